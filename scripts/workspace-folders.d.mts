export function workspaceFolders(root: string): string[];
export function publishedFolders(root: string): string[];
