/** Ports inside the containers; outside every port is a free one. */
export const HTTP_PORT = 7700;
export const NATS_PORT = 4222;
export const REDIS_PORT = 6379;
