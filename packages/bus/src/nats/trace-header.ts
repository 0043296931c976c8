import { headers, type MsgHdrs } from '@nats-io/transport-node';

/** The header of trace contexts, of requests and of messages in the log. */
export const TRACE_PARENT = 'traceparent';

export function traceHeaders(traceParent: string): MsgHdrs {
  const head = headers();
  head.set(TRACE_PARENT, traceParent);
  return head;
}
