// A microphone that says what a test wants, and ears for it and for the bot, in one clock.
const LOUD = 0.02;
const context = new AudioContext({sampleRate: 48000});
const mouth = context.createMediaStreamDestination();
const heard = {microphone: [], bot: []};

function listen(track, kept) {
  const tap = context.createScriptProcessor(1024, 1, 1);
  tap.onaudioprocess = ({inputBuffer, playbackTime}) => {
    const peak = Math.max(...inputBuffer.getChannelData(0).map(Math.abs));
    kept.push({atMs: playbackTime * 1000, loud: peak > LOUD});
  };
  context.createMediaStreamSource(new MediaStream([track])).connect(tap);
  tap.connect(context.destination);
}

function loudMs(whose) {
  return heard[whose].filter(({loud}) => loud).map(({atMs}) => atMs);
}

globalThis.ears = {
  loudMs,
  nowMs: () => context.currentTime * 1000,
  // Whether the bot was loud within so many ms before now.
  botSpeaks: (withinMs) => loudMs('bot').at(-1) > context.currentTime * 1000 - withinMs,
  say(samples, rateHz) {
    const buffer = context.createBuffer(1, samples.length, rateHz);
    buffer.copyToChannel(Float32Array.from(samples, (each) => each / 32768), 0);
    const source = new AudioBufferSourceNode(context, {buffer});
    source.connect(mouth);
    source.start();
  },
};

// Without a sound of its own the track would send nothing at all.
const hiss = context.createBuffer(1, 48000, 48000);
hiss.getChannelData(0).forEach((_, i, all) => { all[i] = (Math.random() - 0.5) * 2e-4; });
const noise = new AudioBufferSourceNode(context, {buffer: hiss, loop: true});
noise.connect(mouth);
noise.start();

listen(mouth.stream.getAudioTracks()[0], heard.microphone);
navigator.mediaDevices.getUserMedia = async () =>
  new MediaStream([mouth.stream.getAudioTracks()[0].clone()]);

const Peer = globalThis.RTCPeerConnection;
globalThis.RTCPeerConnection = class extends Peer {
  constructor(...given) {
    super(...given);
    this.addEventListener('track', ({track}) => track.kind === 'audio' && listen(track, heard.bot));
  }
};
