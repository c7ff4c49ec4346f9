import { type FormEvent, useId, useState } from 'react';
import { setToken, token } from './authorization';
import { config } from './config';
import { feed } from './ingestions/feed';
import { useStore } from './store';

/** The field for the bearer token, if the server requires one. */
export function TokenField() {
  const id = useId();
  const current = useStore(token);
  const { tokens, write, aggregatesOnly } = useStore(config);
  const { connection } = useStore(feed);
  const [text, setText] = useState('');
  if (!tokens && connection !== 'refused' && current === null) return null;

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setToken(text);
    setText('');
  };

  if (current !== null && connection !== 'refused') {
    return (
      <p className="token">
        <span>Token in use{aggregatesOnly ? ', counts only' : write ? '' : ', read only'}</span>
        <button type="button" className="button quiet" onClick={() => setToken('')}>
          Forget the token
        </button>
      </p>
    );
  }
  return (
    <form className="token" onSubmit={submit}>
      <label htmlFor={id}>
        {current === null ? 'This server requires a token' : 'The server refused this token'}
      </label>
      <input
        id={id}
        type="password"
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={({ target }) => setText(target.value)}
      />
      <button type="submit" className="button primary" disabled={!text.trim()}>
        Use
      </button>
    </form>
  );
}
