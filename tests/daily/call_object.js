/**
 * Plays Daily's call object: the same calls and events, over a real RTCPeerConnection to the test.
 *
 * One data channel stands for app messages. Media is what WebRTC makes of it: Opus, jitter
 * buffer and all.
 */

const BOT = 'session-of-the-bot';

class CallObject {
  #handlers = new Map();
  #options;
  #connection = new RTCPeerConnection();
  #channel;

  constructor(options) {
    this.#options = options;
  }

  on(name, handle) {
    this.#handlers.set(name, handle);
    return this;
  }

  #tell(name, event) {
    this.#handlers.get(name)?.({action: name, ...event});
  }

  async join({url, token}) {
    const bot = {session_id: BOT, user_id: 'bargein-bot', local: false};
    this.#channel = this.#connection.createDataChannel('app');
    this.#channel.onmessage = ({data}) => {
      this.#tell('app-message', {data: JSON.parse(data), fromId: BOT});
    };
    this.#channel.onclose = () => this.#tell('participant-left', {participant: bot});
    const opened = new Promise((resolve) => { this.#channel.onopen = resolve; });
    this.#connection.addTransceiver(this.#options.audioSource, {direction: 'sendrecv'});
    this.#connection.ontrack = ({track}) => {
      this.#tell('track-started', {participant: bot, track, type: 'audio'});
    };
    await this.#connection.setLocalDescription();
    while (this.#connection.iceGatheringState !== 'complete') {
      await new Promise((resolve) => { setTimeout(resolve, 20); });
    }
    const {sdp} = this.#connection.localDescription;
    const response = await fetch('/loopback', {
      method: 'POST', body: JSON.stringify({sdp, url, token}),
      headers: {'content-type': 'application/json'},
    });
    const answer = await response.json();
    if (answer.refused) {
      const {msg} = answer.refused;
      this.#tell('error', {errorMsg: msg, error: answer.refused});
      throw msg; // a mere text, as daily-js does it at times
    }
    await this.#connection.setRemoteDescription({type: 'answer', sdp: answer.sdp});
    await opened;
  }

  sendAppMessage(message, to) {
    if (this.#channel.readyState === 'open') this.#channel.send(JSON.stringify({message, to}));
  }

  async leave() {
    this.#connection.close();
  }

  destroy() {}
}

export default {createCallObject: (options) => new CallObject(options)};
