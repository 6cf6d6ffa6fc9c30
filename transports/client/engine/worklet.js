/** The engine where the bot's voice comes in packets. */

import {EngineProcessor} from './processor.js';

registerProcessor('bargein', EngineProcessor);
