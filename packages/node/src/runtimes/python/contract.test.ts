import { runtimeContract } from '../runtime.contract.ts';
import { PYTHON_WORDS } from './words.fixture.ts';

runtimeContract('Python', { language: 'python', words: PYTHON_WORDS });
