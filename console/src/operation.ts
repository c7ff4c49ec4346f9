import {
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  parse,
  type SelectionSetNode,
  type TypeNode,
} from 'graphql';

/** An operation as it is run, with the fragments it may use. */
export interface Operation {
  definition: OperationDefinitionNode;
  fragments: ReadonlyMap<string, FragmentDefinitionNode>;
}

/** A variable that takes a file. */
export interface UploadVariable {
  name: string;
  /** Whether it takes several files: `[Upload!]!`. */
  list: boolean;
  /** Whether it must be given. */
  required: boolean;
}

/**
 * The operation of that name in the text of a query editor, or the first one if no operation has
 * the name; null if there is none or the text can't be parsed.
 */
export function findOperation(query: string, name?: string | null): Operation | null {
  let document;
  try {
    document = parse(query, { noLocation: true });
  } catch {
    return null;
  }
  const fragments = new Map<string, FragmentDefinitionNode>();
  const operations: OperationDefinitionNode[] = [];
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) {
      fragments.set(definition.name.value, definition);
    } else if (definition.kind === Kind.OPERATION_DEFINITION) {
      operations.push(definition);
    }
  }
  const definition =
    operations.find((operation) => name && operation.name?.value === name) ?? operations[0];
  return definition ? { definition, fragments } : null;
}

/** The variables of an operation whose type is `Upload`, alone or in a list. */
export function uploadVariables(operation: Operation | null): UploadVariable[] {
  const variables: UploadVariable[] = [];
  for (const { variable, type, defaultValue } of operation?.definition.variableDefinitions ?? []) {
    let named: TypeNode = type;
    let list = false;
    while (named.kind !== Kind.NAMED_TYPE) {
      list ||= named.kind === Kind.LIST_TYPE;
      named = named.type;
    }
    if (named.name.value === 'Upload') {
      const required = type.kind === Kind.NON_NULL_TYPE && !defaultValue;
      variables.push({ name: variable.name.value, list, required });
    }
  }
  return variables;
}

/** The fields of an object of a result, by response key. */
export type Selection = ReadonlyMap<string, SelectedField>;

export interface SelectedField {
  /** The field's name in the schema; the response key may be an alias of it. */
  name: string;
  /** Its selected fields, merged over all occurrences of the same response key. */
  selection: Selection;
}

/** Maximum nesting depth; the server's limit is lower. */
const MAX_DEPTH = 32;

/** The fields that an operation selects, with fragments and aliases resolved. */
export function selectionOf(operation: Operation): Selection {
  return resolve([operation.definition.selectionSet], operation.fragments);
}

function resolve(
  sets: readonly SelectionSetNode[],
  fragments: Operation['fragments'],
  depth = 0,
): Selection {
  // A fragment that contains itself is invalid, and must not recurse forever here.
  if (depth > MAX_DEPTH) return new Map();
  const mentions = new Map<string, FieldNode[]>();
  const spread = new Set<string>();
  const collect = (set: SelectionSetNode): void => {
    for (const node of set.selections) {
      if (node.kind === Kind.FIELD) {
        const key = node.alias?.value ?? node.name.value;
        mentions.set(key, [...(mentions.get(key) ?? []), node]);
      } else if (node.kind === Kind.INLINE_FRAGMENT) {
        collect(node.selectionSet);
      } else if (!spread.has(node.name.value)) {
        spread.add(node.name.value);
        const fragment = fragments.get(node.name.value);
        if (fragment) collect(fragment.selectionSet);
      }
    }
  };
  sets.forEach(collect);
  return new Map(
    [...mentions].map(([key, nodes]) => {
      const inner = nodes.flatMap((node) => node.selectionSet ?? []);
      return [key, { name: nodes[0]!.name.value, selection: resolve(inner, fragments, depth + 1) }];
    }),
  );
}
