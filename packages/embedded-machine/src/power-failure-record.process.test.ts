import { powerRecordSuite } from '../../machine/tests/power-record-suite.ts';
import { embeddedSetting } from '../tests/power-setting.ts';

powerRecordSuite('the embedded guest', embeddedSetting, 1000);
