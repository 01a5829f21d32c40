import { powerRecordSuite } from '../../machine/tests/power-record-suite.ts';
import { servedSetting } from '../tests/power-setting.ts';

powerRecordSuite('a guest behind a socket', servedSetting, 100);
