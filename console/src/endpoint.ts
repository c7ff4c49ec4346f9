/** Where the API is: on the server the page came from. */
export const graphqlUrl = '/graphql';

/** The same for WebSockets. */
export function websocketUrl(): string {
  const { protocol, host } = window.location;
  return `${protocol === 'https:' ? 'wss:' : 'ws:'}//${host}${graphqlUrl}`;
}
