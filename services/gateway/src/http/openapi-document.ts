import {
  AuditEventSchema, EmbeddingDescriptionSchema, HitSchema, KeySchema, PayloadSchema, ProblemSchema, QuotasSchema, ReceiptSchema, TenantSchema, ValuesSchema, VectorInputSchema,
} from '@shoal/protocol';

/** Schemas that stand once in the document, under their names, and are referred to wherever they occur. The larger come first: they hold the smaller. */
const COMPONENTS: { readonly [name: string]: unknown } = {
  Embedding: EmbeddingDescriptionSchema,
  Problem: ProblemSchema,
  Key: KeySchema,
  Tenant: TenantSchema,
  AuditEvent: AuditEventSchema,
  Hit: HitSchema,
  VectorInput: VectorInputSchema,
  Quotas: QuotasSchema,
  Receipt: ReceiptSchema,
  Payload: PayloadSchema,
  Values: ValuesSchema,
};

type Json = { readonly [member: string]: unknown };

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** In answers the generator writes patterns of member names as additionalProperties; here both count as that. */
function comparable(schema: Json): Json {
  const { patternProperties, ...rest } = schema;
  return isObject(patternProperties) ? { ...rest, additionalProperties: Object.values(patternProperties)[0] } : rest;
}

/** The text by which equal schemas are told; members in the order of their names. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, member: unknown) =>
    (isObject(member) ? Object.fromEntries(Object.entries(comparable(member)).sort(([a], [b]) => (a < b ? -1 : 1))) : member));
}

/** A copy in which every schema that has a name is a reference to it. */
function referring(value: unknown, names: ReadonlyMap<string, string>, self?: string): unknown {
  if (Array.isArray(value)) return value.map((item) => referring(item, names));
  if (!isObject(value)) return value;
  const name = names.get(canonical(value));
  if (name !== undefined && name !== self) return { $ref: `#/components/schemas/${name}` };
  return Object.fromEntries(Object.entries(value).map(([member, inner]) => [member, referring(inner, names)]));
}

/** The document of the API with its shared schemas as components. */
export function withComponents(document: Json): Json {
  const names = new Map(Object.entries(COMPONENTS).map(([name, schema]) => [canonical(schema), name]));
  const schemas = Object.fromEntries(Object.entries(COMPONENTS).map(([name, schema]) => [name, referring(JSON.parse(JSON.stringify(schema)), names, name)]));
  const components = isObject(document['components']) ? document['components'] : {};
  return { ...document, paths: referring(document['paths'], names), components: { ...components, schemas } };
}
