import { powerRecordSuite } from '../../machine/tests/power-record-suite.ts';
import { embeddedSetting } from '../tests/power-setting.ts';

powerRecordSuite('the embedded guest', embeddedSetting, process.env.VPMEM_ALL === '1' ? 1000 : 300);
