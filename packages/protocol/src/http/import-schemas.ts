/** Requests and answers about imports. */
import { Type } from 'typebox';
import { IMPORT_FORMATS, IMPORT_STATES } from '../import-request.ts';
import { LIMITS } from '../limits.ts';
import { closed, EmbeddingNameSchema, oneOf, ReceiptSchema } from './value-schemas.ts';
import type { JsonOf } from './value-schemas.ts';

const column = (description: string) => Type.String({ minLength: 1, maxLength: LIMITS.importColumnChars, description });
const count = (description: string) => Type.Integer({ minimum: 0, description });
const time = (description: string) => Type.String({ format: 'date-time', description });

export const ImportIdSchema = Type.String({ pattern: '^[0-9a-f]{32}$', description: 'Names the import.', examples: ['8c1d2f0e5b7a49369d0f1c2b3a495867'] });

const MappingSchema = closed(
  {
    key: Type.Optional(column('Column of the keys; key where absent. Rows of a file without that column are numbered.')),
    vector: Type.Optional(Type.Union([column('Column that holds all components; values where absent.'), Type.Array(column('One column per component.'), { minItems: 1, maxItems: LIMITS.importColumns })])),
    payload: Type.Optional(Type.Array(column('A column that becomes a member of the payload.'), { minItems: 1, maxItems: LIMITS.importColumns, description: 'payload where that is an object, else all columns that are left, where absent.' })),
  },
  'Which columns are key, vector and payload.',
);

const requestMembers = {
  embedding: EmbeddingNameSchema,
  sources: Type.Array(Type.String({ maxLength: LIMITS.importSourceChars }), {
    minItems: 1, maxItems: LIMITS.importSources,
    description: 'Addresses: https://, http://, s3://bucket/key, s3://bucket/prefix/, or a path on the machine of the worker inside a directory that its operator has opened.',
    examples: [['https://example.org/vectors.parquet']],
  }),
  format: Type.Optional(oneOf(IMPORT_FORMATS, 'Format of the files; what their extensions say where absent.')),
};

export const ImportRequestSchema = closed(
  {
    ...requestMembers,
    mapping: Type.Optional(MappingSchema),
    keyPrefix: Type.Optional(Type.String({ maxLength: LIMITS.importKeyPrefixChars, description: 'Rows without a key are named by this and their number.' })),
    delimiter: Type.Optional(Type.String({ minLength: 1, maxLength: 8, description: 'Between the fields of csv; a comma, or a tab for .tsv, where absent.' })),
    dataset: Type.Optional(column('Path of the array inside an HDF5 file; train where absent.')),
  },
  'What to import, and into which embedding.',
);
export type ImportRequestJson = JsonOf<typeof ImportRequestSchema>;

export const ImportSchema = closed(
  {
    id: ImportIdSchema,
    ...requestMembers,
    state: oneOf(IMPORT_STATES, 'queued, planning and running go on by themselves; done, failed and cancelled are the end.'),
    createdAt: time('When it was asked for.'),
    startedAt: Type.Optional(time('When its first row could be read.')),
    finishedAt: Type.Optional(time('When it came to its end.')),
    files: count('Files found; 0 before it is planned.'),
    rows: count('Rows found; 0 before it is planned.'),
    rowsDone: count('Rows that are in or were left out.'),
    accepted: count('Rows that are in.'),
    rejected: count('Rows that were left out.'),
    reported: count(`Rejected rows that the report names; the first ${LIMITS.importRejections} at most.`),
    rowsPerSecond: Type.Optional(Type.Number({ minimum: 0, description: 'Since it was started or resumed.' })),
    secondsLeft: Type.Optional(Type.Number({ minimum: 0, description: 'At this rate.' })),
    receipt: ReceiptSchema,
    error: Type.Optional(closed({ code: Type.String(), message: Type.String() }, 'Why it failed, or why it is held up.')),
  },
  'An import.',
);
export type ImportResponse = JsonOf<typeof ImportSchema>;

export const ImportListSchema = closed({ imports: Type.Array(ImportSchema), next: Type.Optional(Type.String({ description: 'Cursor of the next page; absent on the last.' })) }, 'Imports, by id.');
export type ImportListResponse = JsonOf<typeof ImportListSchema>;

export const RejectionSchema = closed(
  {
    file: Type.String({ description: 'Address of the file, without credentials.' }),
    row: count('Number of the row in the whole import, from 0.'),
    line: Type.Optional(Type.Integer({ minimum: 1, description: 'Line of the row in its file; text formats only.' })),
    code: Type.String({ description: 'A code of the error registry.' }),
    reason: Type.String({ description: 'What is wrong with it.' }),
  },
  'A row that was left out.',
);
export type ImportRejection = JsonOf<typeof RejectionSchema>;

export const ImportReportSchema = closed({ rejections: Type.Array(RejectionSchema), next: Type.Optional(Type.String({ description: 'Cursor of the next page; absent on the last.' })) }, 'Rows that were left out.');
export type ImportReportResponse = JsonOf<typeof ImportReportSchema>;
