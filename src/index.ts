export type { AggregationCursor } from "./api/aggregation-cursor.js";
export type { Collection } from "./api/collection.js";
export type { AbstractCursor } from "./api/cursor.js";
export type { Database } from "./api/database.js";
export type { FindCursor } from "./api/find-cursor.js";
export type {
  JobBaseContext,
  JobCollection,
  JobContext,
  JobFinishContext,
  JobInitContext,
  JobModule,
  JobUpdateOptions,
} from "./api/job-context.js";
export {
  type DatabaseInfo,
  LioranManager,
  type ManagerEvents,
} from "./api/manager.js";
export type { ManagerRole } from "./api/shown-role.js";
export type { DatabaseStatus, ManagerStatus, PoolStatus } from "./api/status.js";
export type * from "./api/types/document.js";
export type * from "./api/types/filter.js";
export type * from "./api/types/paths.js";
export type * from "./api/types/schema.js";
export type * from "./api/types/update.js";
export type * from "./api/types.js";
export type { CommitEvent, OperationEvent, RoleEvent } from "./diagnostics.js";
export { type ErrorCode, type ErrorDetails, LioranError, type WriteError } from "./errors.js";
export type { IpcMode, ManagerOptions, WriteQueueOptions } from "./options.js";
