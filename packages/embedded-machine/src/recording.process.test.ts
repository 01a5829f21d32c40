import { recordingSuite } from '../../machine/tests/recording-suite.ts';
import { embeddedSetting } from '../tests/power-setting.ts';

recordingSuite('the embedded guest', embeddedSetting, [1, 2, 3]);
