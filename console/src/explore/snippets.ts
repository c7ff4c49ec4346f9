/** Programs that send a query, to be pasted elsewhere. */

/** The languages, with the names that the buttons show. */
export const LANGUAGES = { curl: 'curl', python: 'Python', javascript: 'JavaScript' } as const;
export type Language = keyof typeof LANGUAGES;

/** A program that sends the query to the server; it reads a token from the environment. */
export function snippet(language: Language, url: string, query: string, token: boolean): string {
  const body = JSON.stringify({ query });
  switch (language) {
    case 'curl': {
      const lines = [
        `curl -sS ${shell(url)}`,
        "-H 'Content-Type: application/json'",
        ...(token ? ['-H "Authorization: Bearer $TRIPGRAPH_TOKEN"'] : []),
        `--data-binary ${shell(body)}`,
      ];
      return `${lines.join(' \\\n  ')}\n`;
    }
    case 'python': {
      const auth = token
        ? `request.add_header("Authorization", "Bearer " + os.environ["TRIPGRAPH_TOKEN"])\n`
        : '';
      return `import json
${token ? 'import os\n' : ''}import urllib.request

QUERY = ${pythonText(query)}

request = urllib.request.Request(
    ${JSON.stringify(url)},
    data=json.dumps({"query": QUERY}).encode(),
    headers={"Content-Type": "application/json"},
)
${auth}with urllib.request.urlopen(request) as response:
    answer = json.load(response)
print(json.dumps(answer, indent=2))
`;
    }
    case 'javascript': {
      const auth = token ? '\n    Authorization: `Bearer ${process.env.TRIPGRAPH_TOKEN}`,' : '';
      return `const query = ${javascriptText(query)};

const response = await fetch(${JSON.stringify(url)}, {
  method: 'POST',
  headers: {
    'Content-Type': 'application/json',${auth}
  },
  body: JSON.stringify({ query }),
});
console.log(JSON.stringify(await response.json(), null, 2));
`;
    }
  }
}

/** A text in single quotes for a POSIX shell. */
function shell(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A text as a Python literal, over several lines if it needs no escapes. */
function pythonText(text: string): string {
  // JSON's escapes mean the same in Python.
  return /\\|"""/.test(text) ? JSON.stringify(text) : `"""\n${text}"""`;
}

/** A text as a JavaScript literal, over several lines if it needs no escapes. */
function javascriptText(text: string): string {
  return /[\\`]|\$\{/.test(text) ? JSON.stringify(text) : `\`\n${text}\``;
}
