/**
 * Every limit, in one place and tied to the others by {@link checkLimits}, which runs at load.
 * Options a user can set live in `options.ts`; what stands here is fixed.
 */
import { invariant } from "./invariant.js";

const KiB = 1024;
const MiB = 1024 * KiB;

/** Largest encoded document. MongoDB: https://www.mongodb.com/docs/manual/reference/limits/ */
export const documentBytesMax = 16 * MiB;
/** Deepest nesting of a document, counting the document itself as 1. As MongoDB. */
export const documentDepthMax = 100;
/** Longest encoded key in LMDB with 4 KiB pages (`mdb_env_get_maxkeysize`, lmdb-js). */
export const lmdbKeyBytesMax = 1978;
/** Bytes of the collection or index id in front of every key. */
export const keyPrefixBytes = 4;
/** Longest encoded `_id`. */
export const idKeyBytesMax = lmdbKeyBytesMax - keyPrefixBytes;

/** A key of `_id` that is longer than this is cut in the entries of secondary indexes. */
export const indexIdBytesMax = 256;
/** Most fields of one index. As MongoDB. */
export const indexFieldsMax = 32;
/** Most secondary indexes of one collection. As MongoDB: 64 with that of `_id`. */
export const indexesPerCollectionMax = 63;
/** Most ranges of one index scan: `$in` on several fields multiplies. */
export const indexRangesMax = 1_000;
/** Entries counted, at most, to compare two indexes for one query. */
export const selectivityKeysMax = 2_048;
/** An index of a collection of at most so many documents is built in the commit that creates it. */
export const indexAtOnceDocumentsMax = 2_000;
/** Entries of an index build that are gathered in memory before they are stored in the order of their keys. */
export const indexBuildRunBytes = 64 * MiB;
/** How long one slice of an index build takes: other writes wait for the commit it is part of. */
export const indexBuildSliceMs = 6;
/** How often expired documents (`expireAfterSeconds`) are looked for. MongoDB: 60 s. */
export const ttlSweepIntervalMs = 5_000;
/** A collection that an `$out` fills is dropped after this time: its process has died. It lasts a minute or so. */
export const outputRetentionMs = 60 * 60_000;
/** Expired documents removed in one commit. */
export const ttlSliceDocuments = 1_000;

/** Bytes of a frame's header (docs/protocol.md). */
export const frameHeaderBytes = 16;
/** Largest body of a frame once the handshake is done. */
export const frameBytesMax = 48 * MiB;
/** Largest body of a frame before the handshake is done. */
export const handshakeBytesMax = 4 * KiB;
/** Deepest nesting of a decoded frame: a document plus the envelope around it. */
export const frameDepthMax = documentDepthMax + 16;
/** Most items (elements and pairs together) of one decoded frame. */
export const frameItemsMax = 4_000_000;

/** Documents of one insert are cut into operations of at most this many bytes ... */
export const insertChunkBytesMax = 2 * MiB;
/** ... and this many documents, so that a large insert does not starve small operations. */
export const insertChunkDocumentsMax = 5_000;
/** Failed documents of a stream that the error of `insertMany` lists; the others are only counted. */
export const insertStreamErrorsMax = 1_000;
/** Most models of one `bulkWrite` operation; longer ones are cut. MongoDB's maxWriteBatchSize. */
export const bulkModelsMax = 100_000;

/** Documents of one batch of a job, unless it asks for another number ... */
export const jobBatchDocuments = 1_000;
/** ... and bytes: a batch that would have more ends before, the rest is another one. */
export const jobBatchBytesMax = 8 * MiB;
/** Most documents that a job may ask for in one batch. */
export const jobBatchDocumentsMax = 100_000;
/** Largest value that the `map` of a job may return for a batch, as structured clone writes it. */
export const jobValueBytesMax = 1 * MiB;
/** Largest value that the `reduce` and `finish` of a job may give, and largest `args`. */
export const jobResultBytesMax = 8 * MiB;
/** Values that are handed to `reduce` in one message. */
export const jobReduceBytes = 4 * MiB;
/** Longest id of a job. */
export const jobIdLengthMax = 100;
/** Most collections that one batch of a job writes to. */
export const jobWritesMax = 1_000;
/** Records of a job that are removed in one commit. */
export const jobRecordsSlice = 1_000;
/** A job that has ended, or has not been resumed, is forgotten after this time. */
export const jobRetentionMs = 30 * 24 * 60 * 60_000;
/** Shortest time between two calls of a job's `onProgress`. */
export const jobProgressIntervalMs = 250;
/** A child of a job that was told to stop is killed after this time. */
export const jobStopTimeoutMs = 1_000;
/** How often a child process of a job looks whether its parent is still there. */
export const jobParentWatchIntervalMs = 500;

/** Most names of one dotted path. As MongoDB; documents are not as deep. */
export const pathSegmentsMax = 200;
/** Most paths of one sort. As MongoDB: https://www.mongodb.com/docs/manual/reference/limits/ */
export const sortPathsMax = 32;

/** Documents in a batch of a cursor, unless it asks for another number. MongoDB's default is 101. */
export const firstBatchDocuments = 101;
/** A batch ends once it has grown to this many bytes. MongoDB's limit is 16 MiB. */
export const batchBytesMax = 1 * MiB;
/** A batch never has more documents than this. */
export const batchDocumentsMax = 10_000;
/** Most cursors one connection may hold open. */
export const cursorsPerConnectionMax = 1_000;
/** An idle cursor is closed after this time. As MongoDB (cursorTimeoutMillis). */
export const cursorIdleTimeoutMs = 10 * 60_000;
/** An operation that takes at least this long is published as a slow one. As MongoDB's `slowms`. */
export const slowOperationMs = 100;
/** Commits whose durations `manager.status()` tells the percentiles of ... */
export const commitSamplesMax = 1_024;
/** ... and the time over which it counts them. */
export const commitRateSeconds = 10;
/** How long a Host may take to flush and end, once nobody waits for an answer from it. */
export const hostStopTimeoutMs = 30_000;
/** How often the main thread looks whether somebody has subscribed to commits. */
export const commitWatchIntervalMs = 1_000;

/** A snapshot older than this is given up: an old LMDB reader stops page reuse for everybody. */
export const snapshotAgeMaxMs = 60_000;

/** How long the loops of an expression of a write may run over one document, in the thread of the owner. */
export const ownerExpressionMsMax = 1_000;

/** Keys an inline read may look at before it moves to the pool. */
export const inlineKeysMax = 256;
/** How long an inline read may take before it moves to the pool. */
export const inlineMsMax = 5;
/** Keys an inline read may pass over inside LMDB, to count them: a fraction of a millisecond. */
export const inlinePassedKeysMax = 8_192;
/** A longer `_id` takes the way on which its key is checked. */
export const pointReadIdLengthMax = 256;
/** Bytes an inline read may return before it moves to the pool. */
export const inlineBytesMax = 256 * KiB;

/** A scan of fewer documents runs on one thread: dividing it costs a millisecond or two. */
export const dividedDocumentsMin = 16_384;
/** Slices for each thread: the least that a thread takes at a time ... */
export const divisionSlicesPerThread = 64;
/** ... and most slices in all. */
export const divisionSlicesMax = 512;
/** Slices of a part: threads take whole parts as long as there is much, and less towards the end. */
export const slicesPerPartMax = 4;
/** A filter with more values than this is left to one thread: each part compiles it. */
export const dividedFilterValuesMax = 5_000;
/** How many branches of LMDB's tree make a slice at least, where there are so many: not all are equally full. */
export const divisionBranchesPerSlice = 2;
/** Most threads of one query. */
export const divisionThreadsMax = 64;
/** How long the threads of one query wait for each other; one that is still busy leaves it to a single thread. */
export const meetingTimeoutMs = 1_000;
/** How often they try to get the same commit before the query runs on one thread. */
export const meetingRoundsMax = 50;
/** How far each thread of a divided query reads ahead of whoever reads its results, at first ... */
export const partBytesAheadFirst = 64 * KiB;
/** ... and at most: it is doubled whenever something was read, so who does not read on holds little. */
export const partBytesAheadMax = 4 * MiB;
/** A thread that reads ahead lets others have a turn after this time. */
export const partSliceMs = 10;
/** Documents in such a batch. */
export const partBatchDocuments = 2_000;

/** A sort that is not answered by key order holds at most this many bytes. As MongoDB. */
export const sortBytesMax = 100 * MiB;
/** A stage of an aggregation holds at most this many bytes, counted roughly. As MongoDB. */
export const aggregateBytesMax = 100 * MiB;
/** Elements of an array that `$range` or `$concatArrays` makes: what MongoDB allows `$range`, 100 MiB of 16 bytes. */
export const madeElementsMax = (100 * MiB) / 16;
/** Documents that `$lookup` asks for in one query, and how many bytes of results it then holds. */
export const lookupBatchDocumentsMax = 128;
export const lookupBatchBytesMax = 4 * MiB;
/** Documents that `$out` and `$merge` read and write at a time. */
export const outputBatchDocuments = 1_000;
/** Most stages of a pipeline. As MongoDB. */
export const pipelineStagesMax = 1_000;
/** How deep pipelines may lie inside stages of others. As MongoDB. */
export const pipelineDepthMax = 20;
/** Documents that one `$densify` may add. As MongoDB (internalQueryMaxAllowedDensifyDocs). */
export const densifyDocumentsMax = 500_000;

/** Longest source of a regular expression. As MongoDB. */
export const regexLengthMax = 16_384;
/** Deepest nesting of groups in a regular expression. As MongoDB's (PCRE). */
export const regexDepthMax = 250;
/** Different classes of characters in one regular expression ... */
export const regexClassesMax = 128;
/** ... and those that may have members above U+FFFF, which take a hundred times as long to find out. */
export const regexWideClassesMax = 16;
/** A text goes to V8's engine when that takes at most this many steps (of 2 to 10 ns) ... */
export const regexBacktrackingStepsMax = 256 * KiB;
/** ... or this many for each of its characters ... */
export const regexStepsPerCharacterMax = 64;
/** ... and is no longer than this, because V8 has to note where to go back to. */
export const regexBacktrackingLengthMax = 256 * KiB;
/** Steps of V8 for an expression that no linear engine can run; a longer text is refused. */
export const regexLoneStepsMax = 4 * MiB;
/** Such an expression is refused at once when not even a text of this length is within the steps. */
export const regexLoneLengthMin = 256;
/** Instructions of an expression times characters of the text, in the linear engine (at most 20 ns each). */
export const regexLinearStepsMax = 256 * MiB;
/** Time that `$regexFindAll` may take for one text, because even linear searches add up. */
export const regexFindAllMsMax = 2_000;
/** Characters of all matches that `$regexFindAll` may give. As MongoDB (64 MB). */
export const regexFindAllLengthMax = 64 * MiB;
/** Compiled regular expressions a thread keeps. */
export const regexesCachedMax = 256;
/** Sets of characters a thread keeps. */
export const regexSetsCachedMax = 1_024;
/** Most schemas inside one `$jsonSchema`: compiling more would hold up the thread (measured: 0.3 s). */
export const jsonSchemaNodesMax = 500;
/** Compiled `$jsonSchema`s that a thread keeps. */
export const compiledSchemasMax = 100;
/** Documents above this size are told the first rule of a schema that they violate, not all. */
export const explainedDocumentBytesMax = 64 * KiB;
/** Most violated rules in one error. */
export const schemaViolationsMax = 20;
/** Failed writes of one bulk write whose errors say in detail what a validator refused. */
export const validationDetailsMax = 1_000;
/** Largest detail of one such error; a larger one is left out. */
export const validationDetailsBytesMax = 16 * KiB;
/** With `validationAction: "warn"`: a collection warns at most once in this time. */
export const validationWarningIntervalMs = 60_000;
/** Collections of which the Host remembers when they warned. */
export const validationWarningsMax = 1_000;

/** Updates and deletes without a bound on `_id` are searched for on the pool above this size. */
export const searchInTransactionDocumentsMax = 1_000;
/** A search that is outdated when its write begins is repeated this often, then done in the write. */
export const staleSearchRetriesMax = 5;

/** LMDB reader slots per database: one for each reading thread of each process. */
export const lmdbReadersMax = 4_096;
/** Named databases inside one LMDB environment: fixed by the storage format. */
export const lmdbNamedDatabases = 8;
/** How often the Host looks for reader slots of dead processes. */
export const readerCheckIntervalMs = 30_000;

/**
 * How long a process may use a catalog entry without looking it up again, and how long a commit that drops or renames a
 * collection waits for that to end.
 */
export const catalogLeaseMs = 10;

/** Operations of one commit; the rest forms the next one. */
export const commitOperationsMax = 4_096;
/** Bytes of operations in one commit. */
export const commitBytesMax = 8 * MiB;
/** Records of a dropped collection removed between two commits. */
export const purgeSliceRecords = 2_000;

/** How long a write that was not acknowledged may still be sent again. */
export const resendWindowMs = 5 * 60_000;
/** Results of a client that is gone are kept this long, so that a late resend is recognised. */
export const sessionRetentionMs = 2 * resendWindowMs;

/** Frames of one turn leave in one write, or in several when the turn takes longer than this. */
export const frameGatheringMs = 0.25;
/** The primary stops reading from a peer whose unread answers exceed this. */
export const sendBufferBytesMax = 8 * MiB;
/** A peer that reads nothing for this long while answers wait is disconnected. */
export const peerStallTimeoutMs = 30_000;
/** A connection must finish its handshake within this time. A client waits twice as long each time it was in vain. */
export const handshakeTimeoutMs = 5_000;
/** Operations of one connection that the Host works on at once; the rest waits in the socket. */
export const connectionInFlightMax = 20_000;
/** Bytes of these: of the requests, and of the documents that their answers are expected to have. */
export const connectionInFlightBytesMax = 64 * MiB;
/** How long the Host reads for one connection before the others have a turn. */
export const connectionSliceMs = 5;
/** Next batches of cursors that the Host reads at once for one connection. */
export const batchesPerConnectionMax = 16;

/** Most connections of one primary. */
export const connectionsMax = 10_000;
/** Connections beyond these that are told so at one time; more are closed without a word. */
export const connectionsRefusedMax = 100;

/** Threads of the query pool that have had nothing to do for this long are ended. */
export const poolIdleTimeoutMs = 90_000;
/**
 * What a thread of the pool may fill with objects before it looks which of them are still in use: a third of this. What
 * its queries make lives shortly; Node's default lets that grow to 48 MiB, for nothing that could be measured.
 */
export const poolYoungGenerationMiB = 1.5;
/** Queries of one caller that wait for a thread of the pool; more are refused. */
export const poolQueueMax = 10_000;

/** Longest path of a Unix socket that works on Linux, macOS and the BSDs. */
export const socketPathBytesMax = 103;

checkLimits();

function checkLimits(): void {
  invariant(frameBytesMax > 2 * documentBytesMax, "a frame holds the largest update of a document");
  invariant(insertChunkBytesMax < frameBytesMax, "an insert chunk fits into a frame");
  invariant(pathSegmentsMax > documentDepthMax, "a path reaches every value of a document");
  invariant(frameBytesMax < connectionInFlightBytesMax, "the largest request gets its turn");
  invariant(handshakeBytesMax < frameBytesMax, "the handshake is the smaller one");
  invariant(frameDepthMax > documentDepthMax, "a frame holds the deepest document");
  invariant(poolIdleTimeoutMs > snapshotAgeMaxMs, "no thread ends under the snapshot of a cursor");
  invariant(
    validationDetailsMax * validationDetailsBytesMax < frameBytesMax / 2,
    "the details of a bulk write fit into its reply",
  );
  invariant(
    jobBatchBytesMax + documentBytesMax < frameBytesMax,
    "a batch and its writes fit into a frame",
  );
  invariant(jobResultBytesMax < documentBytesMax, "the result of a job fits into its document");
  invariant(snapshotAgeMaxMs < cursorIdleTimeoutMs, "a snapshot ends before its cursor");
  invariant(sessionRetentionMs > resendWindowMs, "results outlive the time for resending");
}
