/** What can go wrong between the user and the bot, each with the way out. */

export class ClientError extends Error {
  /**
   * @param {string} code for programs
   * @param {string} message what is wrong, for people
   * @param {string} wayOut what to do about it, for people
   * @param {boolean} [final] trying again will not help
   */
  constructor(code, message, wayOut, final = false) {
    super(message);
    this.name = 'ClientError';
    this.code = code;
    this.wayOut = wayOut;
    this.final = final;
  }

  /** As the page shows it. */
  get detail() {
    const {code, message, wayOut, final} = this;
    return {code, message, wayOut, final};
  }
}

export const insecurePage = () => new ClientError(
  'insecure_page',
  'Browsers give the microphone only to secure pages.',
  'Open this page over https, or on this machine as http://127.0.0.1 or http://localhost.',
  true,
);

export const noWorklet = (reason) => new ClientError(
  'no_worklet',
  `This browser cannot run the audio engine: ${reason}`,
  'Use a current Chromium, Firefox 89 or newer, or Safari 16.4 or newer.',
  true,
);

export const audioBlocked = () => new ClientError(
  'audio_blocked',
  'The browser does not let this page play sound yet.',
  'Connect by pressing the button, and allow sound for this page.',
);

export const deviceGone = () => new ClientError(
  'no_device',
  'The microphone was unplugged or taken away.',
  'Plug it in again, or choose another one, and connect again.',
);

export const serverGone = (reason) => new ClientError(
  'server_gone',
  reason,
  'Check that the server runs and that the network is up, then connect again.',
);

export const noRoom = () => new ClientError(
  'no_room',
  'This address names no room.',
  'Open the whole link that `bargein run` printed, with what stands behind its #.',
  true,
);

export const versionMismatch = (message) => new ClientError(
  'version_mismatch',
  message,
  'Reload the page, so that it comes from the server that it talks to.',
  true,
);

export const roomFull = (message) => new ClientError(
  'room_full',
  message,
  'Close the other page that talks with this bot, then connect again.',
);

export const sessionLost = (graceMs) => new ClientError(
  'session_lost',
  `The connection was lost, and could not be made again within ${Math.round(graceMs / 1000)} s.`,
  'Check that the network is up, then connect again: it is a new conversation.',
);

export const takenOver = (message) => new ClientError(
  'taken_over', message, 'Go on there, or connect again for a new conversation.', true,
);

export const botFailed = (message) => new ClientError(
  'bot_failed',
  message,
  'See the server’s log and mend it there.',
  true,
);

export const budgetSpent = (message) => new ClientError(
  'budget', message, 'Come back later.', true,
);

export const closedByPage = () => new ClientError(
  'closed', 'The connection was closed while it was being made.', 'Connect again.',
);

/** An offer that the server did not take. */
export const refused = (status, message) => (
  status === 429 ? roomFull(message) : serverGone(`The server refused: ${message}.`)
);

/** An `error` message of the server's. */
export function serverError({code, message, final}) {
  if (code === 'version' || code === 'version_mismatch') return versionMismatch(message);
  if (code === 'taken_over') return takenOver(message);
  if (code === 'room_full') return roomFull(message);
  if (code === 'bot_failed') return botFailed(message);
  if (code === 'budget') return budgetSpent(message);
  return new ClientError(code, message, 'Connect again.', final);
}

/** What `getUserMedia` refused with. */
export function microphoneError(error) {
  switch (error.name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return new ClientError(
        'no_permission',
        'This page may not use the microphone.',
        'Allow the microphone for this page in the address bar, then connect again.',
      );
    case 'NotFoundError':
    case 'OverconstrainedError':
      return new ClientError(
        'no_device',
        'No microphone was found.',
        'Plug one in, or turn it on in the system settings, then connect again.',
      );
    default:
      return new ClientError(
        'device_busy',
        `The microphone cannot be opened (${error.name}: ${error.message}).`,
        'Close other programs that use the microphone, then connect again.',
      );
  }
}
