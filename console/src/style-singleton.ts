import { useLayoutEffect } from 'react';

/**
 * Replaces the package react-style-singleton, with which dialogs and menus keep the page from
 * scrolling. It inserts style elements, which the content security policy forbids. A constructed
 * style sheet needs no exception.
 */
export function styleSingleton() {
  return function Sheet({ styles }: { styles: string }) {
    useLayoutEffect(() => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(styles);
      document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
      return () => {
        document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== sheet);
      };
    }, [styles]);
    return null;
  };
}
