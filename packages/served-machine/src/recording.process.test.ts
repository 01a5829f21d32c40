import { recordingSuite } from '../../machine/tests/recording-suite.ts';
import { remoteSetting } from '../tests/remote-setting.ts';

recordingSuite('a guest in another process', remoteSetting, [5, 6]);
