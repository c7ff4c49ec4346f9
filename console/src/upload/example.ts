/** A file of 2,000 synthetic trips. */
export const exampleUrl = `${import.meta.env.BASE_URL}example.csv`;

/** Downloads the example as a file, as if the user had chosen it. */
export async function exampleFile(): Promise<File> {
  const answer = await fetch(exampleUrl);
  if (!answer.ok) throw new Error(`the server answered with status ${answer.status}`);
  return new File([await answer.blob()], 'trips.csv', { type: 'text/csv' });
}
