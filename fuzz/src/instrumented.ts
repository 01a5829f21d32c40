import { register } from 'node:module';

// For `node --import`: everything of ours that is loaded from here on says where it goes.
register('./load-hook.js', import.meta.url);
