import { inject } from 'vitest';

const { dockerHost, image } = inject('containers');
// Testcontainers and the example read these, as they would on a developer's machine.
process.env['DOCKER_HOST'] = dockerHost;
process.env['SHOAL_IMAGE'] = image;
// Its reaper is one more image, which a machine without a registry cannot get; every suite stops what it started.
process.env['TESTCONTAINERS_RYUK_DISABLED'] ??= 'true';
