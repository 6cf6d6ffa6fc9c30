// Microphone and loudspeaker for Pipecat's prebuilt page, asked of the browser itself. It has
// those methods of Daily's call object that the page uses; there is no camera and no screen.

const HEARD_AS = {echoCancellation: true, noiseSuppression: true, autoGainControl: true};
const NO_SCREEN = 'this bot takes no screen';

class Devices extends EventTarget {
  #level = null;
  #microphone = null;
  #muted = false;
  #speaker = {};

  on(name, listener) {
    this.addEventListener(name, ({detail}) => listener(detail));
    return this;
  }

  async startCamera({startAudioOff = false} = {}) {
    this.#muted = startAudioOff;
    await this.#open({});
    navigator.mediaDevices.ondevicechange = async () => {
      const {devices} = await this.enumerateDevices();
      this.#tell('available-devices-updated', {availableDevices: devices});
    };
    return this.#chosen();
  }

  async enumerateDevices() {
    return {devices: await navigator.mediaDevices.enumerateDevices()};
  }

  async setInputDevicesAsync({audioDeviceId}) {
    if (audioDeviceId) await this.#open({deviceId: {exact: audioDeviceId}});
    const chosen = await this.#chosen();
    this.#tell('selected-devices-updated', {devices: {mic: chosen.mic.deviceId}});
    return chosen;
  }

  async setOutputDeviceAsync({outputDeviceId}) {
    this.#speaker = {deviceId: outputDeviceId};
    return this.#chosen();
  }

  setLocalAudio(on) {
    this.#muted = !on;
    if (!this.#microphone) return;
    this.#microphone.enabled = on;
    this.#tellTrack(on ? 'track-started' : 'track-stopped');
  }

  participants() {
    if (!this.#microphone) return {};
    return {local: {...this.#me(), tracks: {audio: {persistentTrack: this.#microphone}}}};
  }

  leave() {
    this.#microphone?.stop();
    this.#microphone = null;
    this.#level?.close();
    this.#level = null;
  }

  localAudio() { return Boolean(this.#microphone) && !this.#muted; }
  localVideo() { return false; }
  localScreenAudio() { return false; }
  localScreenVideo() { return false; }
  setLocalVideo() {}
  startScreenShare() { throw new Error(NO_SCREEN); }
  stopScreenShare() {}

  isLocalAudioLevelObserverRunning() { return this.#level !== null; }

  async startLocalAudioLevelObserver(everyMs) {
    this.#level = new Level(this.#microphone, everyMs, (audioLevel) =>
      this.#tell('local-audio-level', {audioLevel}));
  }

  async #open(which) {
    try {
      const audio = {...HEARD_AS, ...which};
      const [track] = (await navigator.mediaDevices.getUserMedia({audio})).getAudioTracks();
      this.#microphone?.stop();
      this.#microphone = track;
    } catch ({name, message}) {
      const type = name === 'NotAllowedError' ? 'permissions' : 'not-found';
      const media = ['audio'];
      this.#tell('camera-error', {error: {type, msg: message, blockedMedia: media, missingMedia: media}});
      return;
    }
    this.#microphone.enabled = !this.#muted;
    this.#tellTrack('track-started');
  }

  async #chosen() {
    const id = this.#microphone?.getSettings().deviceId;
    const {devices} = await this.enumerateDevices();
    const mic = devices.find((each) => each.kind === 'audioinput' && each.deviceId === id);
    return {camera: {}, mic: mic ?? {}, speaker: this.#speaker};
  }

  #me() {
    return {local: true, user_id: 'local', user_name: ''};
  }

  #tellTrack(name) {
    this.#tell(name, {type: 'audio', track: this.#microphone, participant: this.#me()});
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, {detail}));
  }
}

// How loud the microphone is, from 0 to 1.
class Level {
  #context = new AudioContext();
  #timer;

  constructor(track, everyMs, tell) {
    if (!track) return;
    const analyser = new AnalyserNode(this.#context, {fftSize: 512});
    this.#context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this.#timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      tell(Math.sqrt(samples.reduce((sum, each) => sum + each * each, 0) / samples.length));
    }, everyMs);
  }

  close() {
    clearInterval(this.#timer);
    this.#context.close();
  }
}

let instance = null;

const Daily = {
  getCallInstance: () => instance,
  createCallObject: () => (instance = new Devices()),
};

export {Daily as t};
