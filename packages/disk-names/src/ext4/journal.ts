import type { ImageView } from '../image-view.ts';
import { fieldsAt, firstPart, RANK, rowsAt, stretchText, type Part, type PartAt, type Rank, type Stretch } from '../stretch.ts';
import {
  BLOCK_TYPE, BlockTag, BlockTag3, CommitHeader, FAST_COMMIT_TAGS, FastCommitTag, JOURNAL_INCOMPAT, JOURNAL_MAGIC, JournalHeader, JournalSuperBlock, RevokeHeader, TAG_FLAG, USUAL_FAST_COMMIT, UUID_SIZE,
} from './journal-layout.ts';

const MOST_BLOCKS = 2 ** 18;

/** Where a journal is, and what it is a journal of. */
export interface JournalPlace {
  readonly view: ImageView;
  readonly blockSize: number;
  readonly blocks: number;
  /** Bytes from the image's start of a block of the journal. */
  address(block: number): number | undefined;
  /** What the byte at `within` of a block of the file system is, going by the copy of the block that lies at `contentAt`. */
  home(block: number, within: number, contentAt: number): Stretch | undefined;
}

/** A tag of a descriptor block. */
interface Tag {
  readonly block: number;
  /** Bytes from the descriptor block's start. */
  readonly at: number;
  readonly length: number;
}

/** Which block of the file system a block of the journal has a copy of. */
interface Copy {
  readonly of: number;
  readonly transaction: number;
}

/** The journal of ext4, as JBD2 writes it. What earlier rounds left is named as well. */
export class Journal {
  readonly #place: JournalPlace;
  readonly #incompat: number;
  readonly #first: number;
  /** The block after the last of the log, where fast commits begin. */
  readonly #end: number;
  readonly #copies = new Map<number, Copy>();

  constructor(place: JournalPlace) {
    this.#place = place;
    const at = place.address(0) ?? 0;
    const s = JournalSuperBlock.decode(place.view.view(at, JournalSuperBlock.size));
    const isSuper = s.h_magic === JOURNAL_MAGIC && s.h_blocktype === BLOCK_TYPE.superblock2;
    const blocks = Math.min(place.blocks, MOST_BLOCKS, isSuper && s.s_maxlen > 0 ? s.s_maxlen : MOST_BLOCKS);
    this.#incompat = isSuper ? s.s_feature_incompat : JOURNAL_INCOMPAT.bit64 | JOURNAL_INCOMPAT.csumV3;
    this.#first = isSuper && s.s_first < blocks ? s.s_first : 1;
    const fast = (this.#incompat & JOURNAL_INCOMPAT.fastCommit) === 0 ? 0 : s.s_num_fc_blks === 0 ? USUAL_FAST_COMMIT : s.s_num_fc_blks;
    this.#end = Math.max(this.#first, blocks - fast);
    this.#findCopies();
  }

  /** What is at a byte of a block of the journal. */
  stretch(block: number, within: number): Stretch {
    const at = this.#place.address(block) ?? 0;
    const end = at + this.#place.blockSize;
    if (block === 0 && within < JournalSuperBlock.size) return { ...plain(at + JournalSuperBlock.size, 'ext4 journal: superblock', RANK.owned), partAt: fieldsAt(JournalSuperBlock, at) };
    if (block === 0) return plain(end, 'ext4 journal: rest of its first block', RANK.unused);
    if (block < this.#first) return plain(end, 'ext4 journal: before the log', RANK.unused);
    if (block >= this.#end) return { ...plain(end, `ext4 journal: fast commit block ${block - this.#end}`, RANK.owned), partAt: this.#fastCommitParts(at) };
    const header = this.#header(block);
    if (header !== undefined) return this.#headed(header.h_blocktype, header.h_sequence, at, block);
    const copy = this.#copies.get(block);
    if (copy === undefined) return plain(end, `ext4 journal: block ${block}, of no transaction that is left`, RANK.used);
    const home = this.#place.home(copy.of, within, at);
    const what = `ext4 journal: transaction ${copy.transaction}, copy of block ${copy.of}`;
    if (home === undefined) return plain(end, what, RANK.owned);
    const { group = home.what, partAt } = home;
    return { end: Math.min(end, home.end), rank: RANK.owned, what: `${what} (${stretchText(home)})`, group: `${what} (${group})`, ...(partAt === undefined ? {} : { partAt }) };
  }

  #headed(type: number, sequence: number, at: number, block: number): Stretch {
    const end = at + this.#place.blockSize;
    const named = (kind: string, partAt: PartAt): Stretch => ({ end, rank: RANK.owned, what: `ext4 journal: ${kind} of transaction ${sequence}`, partAt });
    if (type === BLOCK_TYPE.commit) return named('commit block', fieldsAt(CommitHeader, at));
    if (type === BLOCK_TYPE.descriptor) return named('descriptor block', this.#descriptorParts(at));
    if (type === BLOCK_TYPE.revoke) return named('revoke block', this.#revokeParts(at));
    return plain(end, `ext4 journal: block ${block} of unknown kind ${type}`, RANK.used);
  }

  /** Blocks behind a descriptor are copies, in the order of its tags; none of them begins with the magic number. */
  #findCopies(): void {
    for (let block = this.#first; block < this.#end; block++) {
      const header = this.#header(block);
      if (header?.h_blocktype !== BLOCK_TYPE.descriptor) continue;
      let at = block;
      for (const { block: of } of this.#tags(this.#place.address(block) ?? 0)) {
        at = at + 1 >= this.#end ? this.#first : at + 1;
        if (at === block || this.#header(at) !== undefined) break;
        this.#copies.set(at, { of, transaction: header.h_sequence });
      }
    }
  }

  #header(block: number): { readonly h_blocktype: number; readonly h_sequence: number } | undefined {
    const at = this.#place.address(block);
    if (at === undefined) return undefined;
    const view = this.#place.view.view(at, JournalHeader.size);
    return JournalHeader.fields.h_magic.get(view, 0) === JOURNAL_MAGIC ? JournalHeader.decode(view) : undefined;
  }

  #tags(at: number): Tag[] {
    const { blockSize, view: image } = this.#place;
    const view = image.view(at, blockSize);
    const has64 = (this.#incompat & JOURNAL_INCOMPAT.bit64) !== 0;
    const isV3 = (this.#incompat & JOURNAL_INCOMPAT.csumV3) !== 0;
    const isV2 = (this.#incompat & JOURNAL_INCOMPAT.csumV2) !== 0;
    const size = isV3 ? BlockTag3.size : BlockTag.size + (isV2 ? 2 : 0) - (has64 ? 0 : 4);
    const end = blockSize - (isV3 || isV2 ? 4 : 0);
    const tags: Tag[] = [];
    for (let offset = JournalHeader.size; offset + size <= end; ) {
      const structure = isV3 ? BlockTag3 : BlockTag;
      const flags = structure.fields.t_flags.get(view, offset);
      const low = structure.fields.t_blocknr.get(view, offset);
      const high = has64 ? structure.fields.t_blocknr_high.get(view, offset) : 0;
      const length = size + ((flags & TAG_FLAG.sameUuid) === 0 ? UUID_SIZE : 0);
      tags.push({ block: low + high * 2 ** 32, at: offset, length });
      if ((flags & TAG_FLAG.last) !== 0) break;
      offset += length;
    }
    return tags;
  }

  #descriptorParts(at: number): PartAt {
    const tags = this.#tags(at);
    const parts: PartAt = (offset) => {
      const tag = tags.find((each) => offset - at >= each.at && offset - at < each.at + each.length);
      return tag === undefined ? undefined : { end: at + tag.at + tag.length, label: `tag of block ${tag.block}` };
    };
    return firstPart(fieldsAt(JournalHeader, at), parts, this.#tailPart(at));
  }

  #revokeParts(at: number): PartAt {
    const view = this.#place.view;
    const used = Math.min(this.#place.blockSize, RevokeHeader.fields.r_count.get(view.view(at, RevokeHeader.size), 0));
    const size = (this.#incompat & JOURNAL_INCOMPAT.bit64) !== 0 ? 8 : 4;
    const first = at + RevokeHeader.size;
    const rows = rowsAt(first, at + used, size, (index) => `block ${view.view(first + index * size, size).getUint32(size - 4, false)}`);
    return firstPart(fieldsAt(RevokeHeader, at), rows, this.#tailPart(at));
  }

  #tailPart(at: number): PartAt {
    const end = at + this.#place.blockSize;
    return rowsAt(end - 4, end, 4, () => 'checksum');
  }

  #fastCommitParts(at: number): PartAt {
    const end = at + this.#place.blockSize;
    return (offset): Part | undefined => {
      for (let tag = at; tag + FastCommitTag.size <= end; ) {
        const { fc_tag, fc_len } = FastCommitTag.decode(this.#place.view.view(tag, FastCommitTag.size));
        const next = tag + FastCommitTag.size + fc_len;
        const label = FAST_COMMIT_TAGS[fc_tag];
        if (label === undefined) return undefined;
        if (offset < next) return { end: Math.min(end, next), label };
        tag = next;
      }
      return undefined;
    };
  }
}

function plain(end: number, what: string, rank: Rank): Stretch {
  return { end, rank, what };
}
