/** Path of the API, on the server that served the page. */
export const graphqlUrl = '/graphql';

/** URL of the API for WebSockets. */
export function websocketUrl(): string {
  const { protocol, host } = window.location;
  return `${protocol === 'https:' ? 'wss:' : 'ws:'}//${host}${graphqlUrl}`;
}
