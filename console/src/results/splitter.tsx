import type { KeyboardEvent, PointerEvent } from 'react';

/** Pixels per press of an arrow key. */
const STEP = 24;

/** A bar that sets the height of what is below it, by pointer or by arrow keys. */
export function Splitter({
  label,
  value,
  least,
  onChange,
}: {
  label: string;
  value: number;
  least: number;
  onChange(value: number): void;
}) {
  const most = Math.round(window.innerHeight * 0.75);
  const set = (wanted: number): void => onChange(Math.min(most, Math.max(least, wanted)));

  const onPointerDown = (down: PointerEvent<HTMLDivElement>): void => {
    const bar = down.currentTarget;
    down.preventDefault();
    bar.setPointerCapture(down.pointerId);
    const onMove = (move: globalThis.PointerEvent): void =>
      set(value + down.clientY - move.clientY);
    bar.addEventListener('pointermove', onMove);
    bar.addEventListener(
      'lostpointercapture',
      () => bar.removeEventListener('pointermove', onMove),
      {
        once: true,
      },
    );
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    const change = { ArrowUp: STEP, ArrowDown: -STEP }[event.key];
    if (change === undefined) return;
    event.preventDefault();
    set(value + change);
  };

  return (
    <div
      className="splitter"
      role="separator"
      aria-orientation="horizontal"
      aria-label={label}
      aria-valuenow={value}
      aria-valuemin={least}
      aria-valuemax={most}
      tabIndex={0}
      onPointerDown={onPointerDown}
      onKeyDown={onKeyDown}
    />
  );
}
