/** `node dist/src/control/config/write-schema.js`, from the root of the checkout: writes `config/usher.schema.json`. */
import { writeFileSync } from 'node:fs';
import { configJsonSchemaText } from './json-schema.js';

writeFileSync('config/usher.schema.json', configJsonSchemaText());
