import { useLayoutEffect } from 'react';

/**
 * Stands in for the package react-style-singleton, with which dialogs and menus keep the page from
 * scrolling: it writes style elements, which the content security policy does not allow. A style
 * sheet that is made by script needs no exception.
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
