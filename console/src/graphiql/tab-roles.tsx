import { useLayoutEffect } from 'react';

/**
 * GraphiQL's tabs have the role `tab` and buttons in them, which a tab may not have. They become a
 * list of buttons, of which one is the current one.
 */
export function TabRoles() {
  useLayoutEffect(() => {
    const list = document.querySelector('.graphiql-tabs');
    if (!list) return;
    const change = (): void => {
      list.removeAttribute('role');
      for (const item of list.querySelectorAll('.graphiql-tab')) {
        item.removeAttribute('role');
        item.removeAttribute('aria-selected');
        const isActive = item.classList.contains('graphiql-tab-active');
        const button = item.querySelector('.graphiql-tab-button');
        if (isActive) button?.setAttribute('aria-current', 'true');
        else button?.removeAttribute('aria-current');
      }
    };
    change();
    const observer = new MutationObserver(change);
    observer.observe(list, { subtree: true, attributeFilter: ['role', 'aria-selected', 'class'] });
    return () => observer.disconnect();
  }, []);
  return null;
}
