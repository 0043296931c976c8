/** What a route is, in the form that Fastify and @fastify/swagger take. Paths are Fastify's: `:name` is a parameter. */
import type { TSchema } from 'typebox';
import { PROBLEM_MEDIA_TYPE, ProblemSchema } from './problem.ts';

/**
 * Who may call a route, from everybody to few: no key; a key of the tenant with the role read, write or admin; the root key.
 * Each includes those before it. A route that says nothing is for the root key alone.
 */
export const ACCESSES = ['open', 'read', 'write', 'admin', 'root'] as const;
export type Access = (typeof ACCESSES)[number];

export interface Content {
  readonly description: string;
  readonly content: { readonly [mediaType: string]: { readonly schema: TSchema } };
}

export interface RouteSchema {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly params?: TSchema;
  readonly querystring?: TSchema;
  readonly headers?: TSchema;
  readonly body?: TSchema | Omit<Content, 'description'>;
  readonly response: { readonly [status: string]: Content | TSchema };
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  readonly url: string;
  /** Fastify hands this to the hook that checks the caller's key. */
  readonly config: { readonly access: Access };
  readonly schema: RouteSchema;
}

export const answer = (description: string, schema: TSchema): Content => ({ description, content: { 'application/json': { schema } } });
export const problem: Content = { description: 'A problem.', content: { [PROBLEM_MEDIA_TYPE]: { schema: ProblemSchema } } };
