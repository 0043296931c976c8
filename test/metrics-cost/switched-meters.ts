/**
 * Loaded before a service (`node --import`), so that a benchmark can switch what it measures off and on while it runs: at each SIGUSR2 the meters of the process
 * change from one to the other. With its meter off a service neither counts operations nor picks searches to run them again for their recall.
 */
import { ProcessTelemetry, type Service, type ServiceMeter } from '@shoal/telemetry';

const meters = new Set<ServiceMeter>();
const meterOf = ProcessTelemetry.prototype.meter;
ProcessTelemetry.prototype.meter = function remembered(this: ProcessTelemetry, service: Service): ServiceMeter {
  const meter = meterOf.call(this, service);
  meters.add(meter);
  return meter;
};
process.on('SIGUSR2', () => {
  for (const meter of meters) (meter as { on: boolean }).on = !meter.on;
});
