/* Silero VAD, the 16 kHz branch: one window of 512 samples in, the probability of speech out.
 *
 * Written for 128-bit SIMD. The 4 spectra of a window are taken at once, one in each lane,
 * with an FFT in place of the model's 66,048 weights of a Hann DFT (they differ by less than
 * 1e-7). Convolutions and LSTM run over weights whose output channels lie side by side, so
 * that the compiler turns the inner loops into SIMD.
 *
 * build.py compiles this file to silero.wasm; silero.js is its only caller. The host lends
 * exp, tanh, sin and cos, so that no C library is needed.
 */
typedef float lanes __attribute__((vector_size(16)));

#define EXPORT(name) __attribute__((export_name(#name))) name
#define IMPORT(name) __attribute__((import_module("math"), import_name(#name)))

IMPORT(exp) double host_exp(double x);
IMPORT(tanh) double host_tanh(double x);
IMPORT(cos) double host_cos(double x);
IMPORT(sin) double host_sin(double x);

enum {
  WINDOW = 512,
  CONTEXT = 64,  /* samples of the window before, which the model sees again */
  INPUT = CONTEXT + WINDOW + CONTEXT, /* the right edge is padded by reflection */
  FFT = 256,
  HOP = 128,
  BINS = FFT / 2 + 1,
  SPECTRA = 4, /* also the lanes of a SIMD vector */
  TAPS = 3,
  HIDDEN = 128,
  GATES = 4 * HIDDEN,
  WEIGHTS = 128 * BINS * TAPS + 128 + 64 * 128 * TAPS + 64 + 64 * 64 * TAPS + 64
          + 128 * 64 * TAPS + 128 + 2 * GATES * HIDDEN + 2 * GATES + HIDDEN + 1,
};

/* As silero16k.f24 holds them; see build.py for the order. */
static float weights[WEIGHTS];

static float conv0[TAPS * BINS * 128], conv1[TAPS * 128 * 64], conv2[TAPS * 64 * 64],
    conv3[TAPS * 64 * 128];
static float from_input[HIDDEN * GATES], from_hidden[HIDDEN * GATES], gate_bias[GATES];
static const float *bias0, *bias1, *bias2, *bias3, *out_weight, *out_bias;

static float hann[FFT], cosine[FFT / 2], sine[FFT / 2];
static unsigned char reversed[FFT];

static float input[INPUT];
static float hidden[HIDDEN], cell[HIDDEN];

float *EXPORT(weights_address)(void) { return weights; }
float *EXPORT(window_address)(void) { return input + CONTEXT; }
int EXPORT(weights_count)(void) { return WEIGHTS; }

/* [out][in][tap] becomes [tap][in][out]. */
static const float *load_conv(const float *from, float *to, int ins, int outs) {
  for (int o = 0; o < outs; o++)
    for (int i = 0; i < ins; i++)
      for (int k = 0; k < TAPS; k++) to[(k * ins + i) * outs + o] = from[(o * ins + i) * TAPS + k];
  return from + outs * ins * TAPS;
}

/* [gate][in] becomes [in][gate]. */
static const float *load_matrix(const float *from, float *to) {
  for (int g = 0; g < GATES; g++)
    for (int i = 0; i < HIDDEN; i++) to[i * GATES + g] = from[g * HIDDEN + i];
  return from + GATES * HIDDEN;
}

static void make_fft_tables(void) {
  const double turn = 2 * 3.14159265358979323846 / FFT;
  for (int i = 0; i < FFT; i++) {
    hann[i] = (float)(0.5 - 0.5 * host_cos(turn * i));
    int mirrored = 0;
    for (int bit = 0; bit < 8; bit++)
      if (i & (1 << bit)) mirrored |= 128 >> bit;
    reversed[i] = (unsigned char)mirrored;
  }
  for (int i = 0; i < FFT / 2; i++) {
    cosine[i] = (float)host_cos(turn * i);
    sine[i] = (float)-host_sin(turn * i);
  }
}

/* Called once, when the host has written the weights. */
void EXPORT(prepare)(void) {
  const float *next = weights;
  next = load_conv(next, conv0, BINS, 128), bias0 = next, next += 128;
  next = load_conv(next, conv1, 128, 64), bias1 = next, next += 64;
  next = load_conv(next, conv2, 64, 64), bias2 = next, next += 64;
  next = load_conv(next, conv3, 64, 128), bias3 = next, next += 128;
  next = load_matrix(next, from_input);
  next = load_matrix(next, from_hidden);
  for (int g = 0; g < GATES; g++) gate_bias[g] = next[g] + next[GATES + g];
  next += 2 * GATES;
  out_weight = next, out_bias = next + HIDDEN;
  make_fft_tables();
}

/* Forget everything that was heard. */
void EXPORT(reset)(void) {
  for (int i = 0; i < HIDDEN; i++) hidden[i] = cell[i] = 0;
  for (int i = 0; i < CONTEXT; i++) input[i] = 0;
}

/* Magnitudes of the 4 overlapping spectra of the input: [spectrum][bin]. */
static void spectra(float *magnitudes) {
  static lanes re[FFT], im[FFT];
  for (int i = 0; i < FFT; i++) {
    const int j = reversed[i];
    const float *x = input + j;
    re[i] = (lanes){x[0], x[HOP], x[2 * HOP], x[3 * HOP]} * hann[j];
    im[i] = (lanes){0, 0, 0, 0};
  }
  for (int half = 1, stride = FFT / 2; half < FFT; half *= 2, stride /= 2)
    for (int block = 0; block < FFT; block += 2 * half)
      for (int k = 0; k < half; k++) {
        const int a = block + k, b = a + half;
        const float c = cosine[k * stride], s = sine[k * stride];
        const lanes turned_re = re[b] * c - im[b] * s, turned_im = re[b] * s + im[b] * c;
        re[b] = re[a] - turned_re, im[b] = im[a] - turned_im;
        re[a] += turned_re, im[a] += turned_im;
      }
  for (int bin = 0; bin < BINS; bin++) {
    const lanes power = re[bin] * re[bin] + im[bin] * im[bin];
    for (int t = 0; t < SPECTRA; t++) magnitudes[t * BINS + bin] = __builtin_sqrtf(power[t]);
  }
}

/* A convolution over 3 steps of time with one step of zeros at either end, then ReLU. */
static inline __attribute__((always_inline)) void convolve(
    const float *restrict in, int steps, int ins, const float *restrict weight,
    const float *restrict bias, int outs, int stride, float *restrict out) {
  for (int t = 0; t * stride < steps; t++) {
    float *restrict row = out + t * outs;
    for (int o = 0; o < outs; o++) row[o] = bias[o];
    for (int k = 0; k < TAPS; k++) {
      const int step = t * stride - 1 + k;
      if (step < 0 || step >= steps) continue;
      for (int i = 0; i < ins; i++) {
        const float x = in[step * ins + i];
        if (x == 0) continue; /* ReLU leaves many of them */
        const float *restrict w = weight + (k * ins + i) * outs;
        for (int o = 0; o < outs; o++) row[o] += x * w[o];
      }
    }
    for (int o = 0; o < outs; o++) row[o] = row[o] > 0 ? row[o] : 0;
  }
}

static inline float sigmoid(float x) { return (float)(1 / (1 + host_exp(-x))); }
static inline float squash(float x) { return (float)host_tanh(x); }

/* The LSTM and the output unit. */
static float decide(const float *restrict features) {
  static float gates[GATES];
  for (int g = 0; g < GATES; g++) gates[g] = gate_bias[g];
  for (int i = 0; i < HIDDEN; i++) {
    const float x = features[i], h = hidden[i];
    const float *restrict wx = from_input + i * GATES, *restrict wh = from_hidden + i * GATES;
    for (int g = 0; g < GATES; g++) gates[g] += x * wx[g] + h * wh[g];
  }
  float sum = out_bias[0];
  for (int i = 0; i < HIDDEN; i++) {
    const float *gate = gates + i;
    cell[i] = sigmoid(gate[HIDDEN]) * cell[i] + sigmoid(gate[0]) * squash(gate[2 * HIDDEN]);
    hidden[i] = sigmoid(gate[3 * HIDDEN]) * squash(cell[i]);
    if (hidden[i] > 0) sum += out_weight[i] * hidden[i];
  }
  return sigmoid(sum);
}

/* The probability that the window at window_address() holds speech. */
float EXPORT(probability)(void) {
  static float magnitudes[SPECTRA * BINS], after0[4 * 128], after1[2 * 64], after2[64],
      after3[128];
  const int end = CONTEXT + WINDOW;
  for (int i = 0; i < CONTEXT; i++) input[end + i] = input[end - 2 - i];
  spectra(magnitudes);
  convolve(magnitudes, 4, BINS, conv0, bias0, 128, 1, after0);
  convolve(after0, 4, 128, conv1, bias1, 64, 2, after1);
  convolve(after1, 2, 64, conv2, bias2, 64, 2, after2);
  convolve(after2, 1, 64, conv3, bias3, 128, 1, after3);
  for (int i = 0; i < CONTEXT; i++) input[i] = input[WINDOW + i];
  return decide(after3);
}
