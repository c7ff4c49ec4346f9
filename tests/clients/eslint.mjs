// graphql-eslint: its recommended rules for schemas, and those for Relay, on the schema as the program prints
// it; and its rules for operations with this schema.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import graphqlPlugin from '@graphql-eslint/eslint-plugin';
import { Linter } from 'eslint';
import { binary } from './server.mjs';

const schema = execFileSync(binary, ['schema'], { encoding: 'utf8' });
const configs = graphqlPlugin.configs;

/** What the rules say about a document. */
function lint(name, text, rules) {
  const config = {
    files: ['**/*.graphql'],
    languageOptions: {
      parser: graphqlPlugin.parser,
      parserOptions: { graphQLConfig: { schema } },
    },
    plugins: { '@graphql-eslint': graphqlPlugin },
    rules,
  };
  const messages = new Linter({ configType: 'flat' }).verify(text, [config], name);
  return messages.map(({ line, ruleId, message }) => `${name}:${line} ${ruleId}: ${message}`);
}

const schemaRules = {
  ...configs['flat/schema-recommended'].rules,
  ...configs['flat/schema-relay'].rules,
  // Values such as a week or a cell have no identity.
  '@graphql-eslint/strict-id-in-types': 'off',
  // Lists are paged forwards only.
  '@graphql-eslint/relay-arguments': ['error', { includeBoth: false }],
  // Connections also have `nodes`, and there is no interface Node: ids are not global.
  '@graphql-eslint/relay-edge-types': [
    'error',
    { withEdgeSuffix: true, shouldImplementNode: false, listTypeCanWrapOnlyEdgeType: false },
  ],
};
assert.deepEqual(lint('schema.graphql', schema, schemaRules), []);

const operation = `query Regions {
  regions {
    name
    trips
    datasources {
      name
    }
  }
}
`;
const operationRules = {
  ...configs['flat/operations-recommended'].rules,
  // These compare all files of a project.
  '@graphql-eslint/require-selections': 'off',
  '@graphql-eslint/selection-set-depth': 'off',
  '@graphql-eslint/known-fragment-names': 'off',
  '@graphql-eslint/no-unused-fragments': 'off',
  '@graphql-eslint/no-unused-variables': 'off',
  '@graphql-eslint/no-undefined-variables': 'off',
  '@graphql-eslint/unique-fragment-name': 'off',
  '@graphql-eslint/unique-operation-name': 'off',
};
assert.deepEqual(lint('regions.graphql', operation, operationRules), []);
const [first] = lint('regions.graphql', operation.replace('trips', 'rides'), operationRules);
assert.match(first, /fields-on-correct-type/);
