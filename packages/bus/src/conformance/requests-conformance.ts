import { ShoalError } from '@shoal/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Requests } from '../requests.ts';
import type { BusUnderTest, OpenBus } from './bus-conformance.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const QUICK = { timeoutMs: 10_000 } as const;

export function requestsConformance(open: OpenBus): void {
  describe('requests', () => {
    let under: BusUnderTest;
    let client: Requests;
    let server: Requests;
    beforeEach(async () => {
      under = await open();
      server = under.bus.requests;
      client = (await under.peer()).requests;
    });
    afterEach(() => under.dispose());

    it('carries a request to a server and its answer back', async () => {
      await server.serve('shoal.q.1', async (payload) => utf8(`got ${textOf(payload)}`));
      const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => client.request('shoal.q.1', utf8(String(index)), QUICK)));
      expect(answers.map(textOf)).toEqual(Array.from({ length: 50 }, (_, index) => `got ${index}`));
    });

    it('carries empty requests and answers', async () => {
      await server.serve('shoal.q.1', async () => new Uint8Array(0));
      expect(await client.request('shoal.q.1', new Uint8Array(0), QUICK)).toHaveLength(0);
    });

    it('carries the trace context of a request to its handler, and none where there is none', async () => {
      const seen: (string | undefined)[] = [];
      await server.serve('shoal.q.1', async (payload, traceParent) => {
        seen.push(traceParent);
        return payload;
      });
      const traceParent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
      const largest = new Uint8Array(client.maxRequestBytes);
      expect(await client.request('shoal.q.1', largest, { ...QUICK, traceParent })).toHaveLength(largest.length);
      await client.request('shoal.q.1', utf8('x'), QUICK);
      expect(seen).toEqual([traceParent, undefined]);
    });

    it('gives each request to one member of the group', async () => {
      const served: string[] = [];
      for (const [name, member] of [['a', server], ['b', client]] as const) {
        await member.serve('shoal.q.2', async (payload) => {
          served.push(textOf(payload));
          return utf8(name);
        });
      }
      const answers = await Promise.all(Array.from({ length: 100 }, (_, index) => client.request('shoal.q.2', utf8(String(index)), QUICK)));
      expect(served.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, index) => index));
      expect(new Set(answers.map(textOf))).toEqual(new Set(['a', 'b']));
    });

    it('rejects with slot_unavailable when nobody serves the subject', async () => {
      await expect(client.request('shoal.q.9', utf8('x'), { timeoutMs: 60_000 })).rejects.toMatchObject({ code: 'slot_unavailable' });
    });

    it('rejects with deadline_exceeded when no answer comes in time', async () => {
      const { promise, resolve } = Promise.withResolvers<Uint8Array>();
      await server.serve('shoal.q.3', () => promise);
      await expect(client.request('shoal.q.3', utf8('x'), { timeoutMs: 50 })).rejects.toMatchObject({ code: 'deadline_exceeded' });
      resolve(utf8('late'));
    });

    it('carries errors of the handler with code, message, field and limit, and serves on', async () => {
      await server.serve('shoal.q.4', async (payload) => {
        if (textOf(payload) === 'typed') throw new ShoalError('dimension_mismatch', 'Größe 3\r\nnot 4', { field: 'vector', limit: 4 });
        if (textOf(payload) === 'plain') throw new TypeError('oops');
        return utf8('fine');
      });
      const typed = { code: 'dimension_mismatch', message: 'Größe 3\r\nnot 4', field: 'vector', limit: 4 };
      await expect(client.request('shoal.q.4', utf8('typed'), QUICK)).rejects.toMatchObject(typed);
      await expect(client.request('shoal.q.4', utf8('plain'), QUICK)).rejects.toMatchObject({ code: 'internal' });
      await expect(client.request('shoal.q.4', utf8('typed'), QUICK)).rejects.toBeInstanceOf(ShoalError);
      expect(textOf(await client.request('shoal.q.4', utf8('ok'), QUICK))).toBe('fine');
    });

    it('carries answers far above the size of one message', async () => {
      const answer = new Uint8Array(3 * 1024 * 1024 + 17);
      for (let index = 0; index < answer.length; index += 97) answer[index] = index % 251;
      await server.serve('shoal.q.5', async () => answer);
      const answers = await Promise.all([1, 2, 3].map(() => client.request('shoal.q.5', utf8('x'), QUICK)));
      for (const received of answers) expect(Buffer.compare(received, answer)).toBe(0);
    });

    it('refuses a request over the limit, and carries one at the limit', async () => {
      await server.serve('shoal.q.6', async (payload) => utf8(String(payload.length)));
      const limit = client.maxRequestBytes;
      expect(limit).toBeGreaterThan(512 * 1024);
      await expect(client.request('shoal.q.6', new Uint8Array(limit + 1), QUICK)).rejects.toMatchObject({ code: 'invalid_field', limit });
      expect(textOf(await client.request('shoal.q.6', new Uint8Array(limit), QUICK))).toBe(String(limit));
    });

    it('stops serving on close, after the requests under way were answered', async () => {
      const started = Promise.withResolvers<void>();
      const finish = Promise.withResolvers<void>();
      const serving = await server.serve('shoal.q.7', async () => {
        started.resolve();
        await finish.promise;
        return utf8('done');
      });
      const answer = client.request('shoal.q.7', utf8('x'), QUICK);
      await started.promise;
      const closed = serving.close();
      finish.resolve();
      expect(textOf(await answer)).toBe('done');
      await closed;
      await expect(client.request('shoal.q.7', utf8('x'), QUICK)).rejects.toMatchObject({ code: 'slot_unavailable' });
    });

    it('announces to every listener, until it stops listening', async () => {
      const heard: string[] = [];
      const both = Promise.withResolvers<void>();
      const hear = (name: string) => (payload: Uint8Array) => {
        heard.push(`${name} ${textOf(payload)}`);
        if (heard.length === 2) both.resolve();
      };
      const first = await server.listen('shoal.status.shard', hear('one'));
      await client.listen('shoal.status.shard', hear('two'));
      client.announce('shoal.status.shard', utf8('up'));
      await both.promise;
      expect(heard.sort()).toEqual(['one up', 'two up']);
      await first.close();
      const third = Promise.withResolvers<void>();
      await client.listen('shoal.status.shard', () => third.resolve());
      client.announce('shoal.status.shard', utf8('again'));
      await third.promise;
      expect(heard.filter((line) => line === 'one again')).toEqual([]);
    });
  });
}
