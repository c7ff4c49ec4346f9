import { useId } from 'react';
import { useStore } from '../store';
import { change, features, selection } from './state';

/** Moves through the hours of the day, over the map; at its left end, all of them count. */
export function HourSlider() {
  const id = useId();
  const { timeRanges } = useStore(features);
  const { hours } = useStore(selection);
  if (!timeRanges) return null;
  const text = hours === null ? 'all day' : `${clock(hours[0])}–${clock(hours[1])}`;
  return (
    <div className="hour-slider">
      <label htmlFor={id}>Hour</label>
      <input
        id={id}
        type="range"
        min={0}
        max={24}
        step={1}
        value={hours === null ? 0 : hours[0] + 1}
        aria-valuetext={text}
        onChange={({ target: { valueAsNumber: place } }) =>
          change({ hours: place === 0 ? null : [place - 1, place] })
        }
      />
      <output htmlFor={id}>{text}</output>
    </div>
  );
}

function clock(hour: number): string {
  return `${String(hour).padStart(2, '0')}:00`;
}
