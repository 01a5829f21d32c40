export { Dashboard, type DashboardOptions } from './dashboard.ts';
export { DashboardError } from './dashboard-error.ts';
