/** The part of the bus that reports travel on: to everybody who listens, at most once. */
export interface ReportChannel {
  announce(subject: string, payload: Uint8Array): void;
  listen(subject: string, listener: (payload: Uint8Array) => void): Promise<{ close(): Promise<void> }>;
}
