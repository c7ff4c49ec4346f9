/** Made-up trips to start with. */
export const exampleUrl = `${import.meta.env.BASE_URL}example.csv`;

/** The example as a file, as if it had been downloaded and chosen. */
export async function exampleFile(): Promise<File> {
  const answer = await fetch(exampleUrl);
  if (!answer.ok) throw new Error(`the example could not be loaded (${answer.status})`);
  return new File([await answer.blob()], 'trips.csv', { type: 'text/csv' });
}
