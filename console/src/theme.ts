/** The theme that the user chose in GraphiQL's settings, which stores it under this key. */
const THEME = 'graphiql:theme';

/** Sets the class of the chosen theme before GraphiQL is loaded; without one, the system decides. */
export function applyTheme(): void {
  let theme: string | null = null;
  try {
    theme = localStorage.getItem(THEME);
  } catch {
    // No storage: the system decides.
  }
  if (theme === 'dark' || theme === 'light') document.body.classList.add(`graphiql-${theme}`);
}
