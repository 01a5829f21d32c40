import { powerFailureSuite } from '../../machine/tests/power-failure-suite.ts';
import { servedSetting } from '../tests/power-setting.ts';

powerFailureSuite('a guest behind a socket', servedSetting);
