/** Filters over the payloads of an application: the fields are those of its payload type, and values must have their types. */
import type { FilterRangeJson, FilterValue } from '@shoal/protocol';

/** What a field is compared with: an item where the payload has a list, text where it has a date. */
type Comparable<Member> = NonNullable<Member> extends readonly (infer Item)[] ? Extract<Item, FilterValue> : unknown extends Member ? FilterValue : Extract<NonNullable<Member>, FilterValue>;

type Condition<Payload extends object> = {
  [Field in keyof Payload & string]:
    | { readonly field: Field; readonly equals: Comparable<Payload[Field]> }
    | { readonly field: Field; readonly any_of: readonly Comparable<Payload[Field]>[] }
    | { readonly field: Field; readonly range: FilterRangeJson }
    | { readonly field: Field; readonly exists: boolean };
}[keyof Payload & string];

type OneOrMore<Item> = Item | readonly Item[];

/** A condition on a declared field, a list of keys, or both combined: all of `must`, at least one of `should`, none of `must_not`. */
export type Filter<Payload extends object = Readonly<Record<string, unknown>>> =
  | Condition<Payload>
  | { readonly key_in: readonly string[] }
  | { readonly must?: OneOrMore<Filter<Payload>>; readonly should?: OneOrMore<Filter<Payload>>; readonly must_not?: OneOrMore<Filter<Payload>> };
