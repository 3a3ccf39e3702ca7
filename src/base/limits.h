/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every bound on what a peer, a program or a reader controls. What exceeds one is counted or shown.
 */
#ifndef CLEARTAP_LIMITS_H
#define CLEARTAP_LIMITS_H

/* kernel side */
#define LIMIT_CONNS		131072 /* connections known to the kernel at once, a power of two */
#define LIMIT_THREADS		32768  /* threads that made a TLS call, a power of two */
#define LIMIT_PROCS		65536  /* processes with connections */
#define LIMIT_ALLOWED		65536  /* processes that a filter lets through */
#define LIMIT_SHARE		4      /* of what all share one owner has one part in so many */
#define LIMIT_OWNERS_TOLD	16     /* who lost something, in GET /api/stats */
#define LIMIT_CALL_DEPTH	4      /* TLS calls inside TLS calls of one thread */
#define LIMIT_WIRE_FLOWS	100000 /* TLS connections of the wire at once */
#define LIMIT_WIRE_NEW		65536  /* TCP connections in which TLS is looked for at once */
#define LIMIT_WIRE_HANDSHAKE	(64 << 10) /* bytes of handshakes of one, that are copied */
#define LIMIT_WIRE_LINGER_MS	1000  /* after its end, what a session says of one is waited for */
#define LIMIT_WIRE_WAIT_MS	2000  /* until one that was not read yet is told closed */
#define LIMIT_WIRE_JUDGE_MS	10000 /* what is known of why one is not read may change so long */
#define LIMIT_WIRE_JUDGED	256   /* processes of which that is asked, in a tick */
#define LIMIT_WIRE_KEPT		16384 /* connections that ended, whose last packets are kept */
#define LIMIT_WIRE_AHEAD	1024  /* sessions whose packets are awaited, a power of two */
#define LIMIT_WIRE_LOOK_MS	250   /* between two looks at all of a file that live */
#define LIMIT_SILENT_RECORDS	16    /* sent by a program of which nothing is seen any more, */
#define LIMIT_SILENT_LOOKS	3     /* at so many looks, */
#define LIMIT_SILENT_MS		5000  /* for so long: its probes are put in again */
#define LIMIT_WIRE_HANDSHAKE_MS 10000 /* until one that is not over is told as it is */
#define LIMIT_WIRE_TLS_MEMORY	(64 << 20) /* of what handshakes told, of all */
#define LIMIT_WIRE_PROGRAMS	512	   /* programs that the ledger tells apart */
#define LIMIT_WIRE_LOOKED	32	   /* packets of a connection in which TLS is looked for */
#define LIMIT_WIRE_RECORDS	512	   /* records of one packet that are followed */
#define LIMIT_QUIC_FLOWS	65536	   /* connections of QUIC at once, and sockets of them */
#define LIMIT_QUIC_COPIED	(32 << 10) /* bytes of Initial packets of one, that are copied */
#define LIMIT_QUIC_IDLE_SECONDS 300	   /* without a packet: it ended. Most end after 30 */
#define LIMIT_KEEP_PACKET	66560 /* bytes kept of a packet: a super-packet and its headers */
#define LIMIT_KEEP_PENDING	(64 << 10) /* of a connection, before a filter has decided */
#define LIMIT_WIRE_PROCESS_NS                                                                      \
	2000000000ULL /* until a process that a filter does not name is left out */

/* packets that are kept */
#define LIMIT_KEEP_TWINS   16384     /* among which one is sought that was seen at its other end */
#define LIMIT_KEEP_WAITING (8 << 20) /* bytes that wait for the word of a filter */
#define LIMIT_KEEP_WAIT_NS 3000000000ULL /* and for so long at most */

/* the two processes */
#define LIMIT_STOP_STILL_MS 1200  /* a server that is to stop and does nothing is killed after */
#define LIMIT_STOP_MS	    10000 /* and one that is not done after */
#define LIMIT_DESCRIPTORS   65536 /* of the tracer, where the kernel gives so many */

/* sessions */
#define LIMIT_SESSIONS		   LIMIT_CONNS /* connections followed at once */
#define LIMIT_SESSIONS_MEMORY	   (128 << 20) /* bytes of what they have not told yet */
#define LIMIT_SESSION_PROCESSES	   65536       /* processes remembered without a connection */
#define LIMIT_PEERS		   65536       /* ended connections whose ends are remembered */
#define LIMIT_PEER_SAME		   8	       /* with the same two addresses, that are looked up */
#define LIMIT_PEER_SECONDS	   30	       /* for how long */
#define LIMIT_SESSION_IDLE_SECONDS 5	 /* silence after which no more of an exchange is awaited */
#define LIMIT_TWINS		   65536 /* exchanges that wait for the other end's version */
#define LIMIT_PAIR_TWINS	   2048	 /* of one connection, */
#define LIMIT_PAIR_UNALIGNED	   256	 /* as long as it is not known where both ends lie */
#define LIMIT_PAIR_BYTES	   (16 << 20) /* of finished ones among them */
#define LIMIT_PAIR_MS		   1000	      /* for one that has not begun there */
#define LIMIT_PAIR_OPEN_SECONDS	   10	      /* for one that has not ended there */
#define LIMIT_REUSED_CONNS	   4096	      /* addresses of one process whose reuse is numbered */
#define LIMIT_REUSED_BYTES	   (16 << 20) /* for those numbers, of all processes */
#define LIMIT_HEAD_BYTES	   (256 << 10) /* start line and header fields of one message */
#define LIMIT_HEAD_LINE		   (64 << 10)  /* one line of them */
#define LIMIT_HEADERS		   1000	       /* header fields of one message */
#define LIMIT_PIPELINE		   1000 /* requests that wait for an answer on one connection */
#define LIMIT_OPAQUE_BYTES	   (1 << 20)   /* bytes kept of one side of an opaque exchange */
#define LIMIT_BODY_BYTES	   (32 << 20)  /* bytes kept of one body, as sent */
#define LIMIT_LDAP_BYTES	   (256 << 10) /* of one message, what is read */
#define LIMIT_LDAP_DEPTH	   32	       /* nesting of a filter */
#define LIMIT_RENDERED_BYTES	   (64 << 10)  /* of a message that is written out as text */
#define LIMIT_GAPS		   64	       /* gaps of one body that are told one by one */
#define LIMIT_INTERIM		   16	       /* 1xx answers to one request that are shown */
#define LIMIT_SUMMARY		   1024	       /* bytes of a target in the summary of an entry */
#define LIMIT_PROBE_BYTES	   (16 << 10)  /* first bytes looked at to tell the protocol */
#define LIMIT_ONE_BY_ONE	   4 /* exchanges, one by one from the start, by which a client waits */
#define LIMIT_BECOME		   4	       /* switches to another protocol on one connection */
#define LIMIT_MAIL_LINE		   (16 << 10)  /* a command or a reply line of SMTP */
#define LIMIT_MAIL_BYTES	   (1 << 20)   /* kept of a mail */
#define LIMIT_MAIL_HEAD		   (32 << 10)  /* of these, looked through for its subject */
#define LIMIT_MAIL_JUDGED	   512	       /* a line that is a command after lost bytes */
#define LIMIT_MQTT_PACKET	   (160 << 10) /* of one, what is looked at */
#define LIMIT_AMQP_FRAME	   (160 << 10) /* of one, what is looked at */
#define LIMIT_AMQP_CHANNELS	   2048	       /* of a connection that are followed at once */
#define LIMIT_AMQP_CONSUMERS	   256	       /* of a connection, as exchanges that go on */
#define LIMIT_AMQP_DEPTH	   8	       /* tables in tables that are shown */
#define LIMIT_AMQP_FIELDS	   256	       /* of a table, those in it too, */
#define LIMIT_AMQP_TABLE	   (16 << 10)  /* and bytes of it as text */
#define LIMIT_MONGO_MESSAGE	   (192 << 10) /* of one, what is looked at; undone compression too */
#define LIMIT_BSON_DEPTH	   64	       /* nesting that is written out */
#define LIMIT_MYSQL_PACKET	   (1 << 20) /* of a compressed packet, what is looked at, and undone */
#define LIMIT_ZIP_FREE		   (16 << 10) /* of what is compressed, undone in any case, and: */
#define LIMIT_ZIP_EXPANSION	   32	      /* for each byte on the stream */
#define LIMIT_KAFKA_MESSAGE	   (192 << 10) /* of one, what is looked at; undone compression too */
#define LIMIT_MQTT_ALIASES	   32	       /* topics of a direction that have numbers */
#define LIMIT_MQTT_ALIAS_TOPIC	   1024	       /* the length of one */
#define LIMIT_RESP_DEPTH	   32	       /* arrays in arrays of an answer of Redis */
#define LIMIT_SQL_STATEMENTS	   256	/* prepared statements, and portals, of one connection */
#define LIMIT_SQL_KEPT		   2048 /* bytes of each */
#define LIMIT_SQL_ROWS		   100	/* rows of a result that are shown */
#define LIMIT_SQL_SHOWN		   (48 << 10) /* bytes of them */

/* the wire: TCP in order (wire/reassemble.h) */
#define LIMIT_REASSEMBLE_HELD	(2 << 20) /* bytes of a direction that wait for what is missing */
#define LIMIT_REASSEMBLE_PIECES 1024	  /* in so many pieces */
#define LIMIT_REASSEMBLE_PAST                                                                      \
	(16 << 10) /* told bytes, with which what is sent again is compared                        \
		    */
#define LIMIT_REASSEMBLE_ALL	 (64 << 20) /* all of these; an owner has a share */
#define LIMIT_REASSEMBLE_WINDOW	 (1 << 30)  /* a segment further away belongs to something else */
#define LIMIT_REASSEMBLE_SEGMENT (1 << 20)  /* bytes of one, super-packets included */

/* a file of packets (--read) */
#define LIMIT_PCAP_PACKET     (1 << 20) /* bytes of a packet, super-packets included */
#define LIMIT_PCAP_BLOCK      (4 << 20) /* of a block of pcapng, secrets included */
#define LIMIT_PCAP_INTERFACES 1024	/* of one section */
#define LIMIT_PCAP_CONNS      65536 /* connections followed at once; the longest idle one goes */
#define LIMIT_PCAP_QUIC	      16384 /* of QUIC, the same */
#define LIMIT_PCAP_LATE	      16    /* packets that wait for what they say has come before them */
#define LIMIT_PCAP_FRAGMENTED 64    /* datagrams of which fragments wait, at 64 KiB */
#define LIMIT_PCAP_TURN	      (256 << 10) /* bytes of the file that are read in one turn */
#define LIMIT_KEYLOG_BYTES    (256 << 20) /* of --keylog */
#define LIMIT_KEYLOG_CONNS    (1 << 18)	  /* connections with secrets, at some 400 bytes */
#define LIMIT_KEYLOG_LINE     1024	  /* bytes of a line of a key log */
#define LIMIT_DECRYPT_FAILED  32  /* tries that opened nothing, of one side of a connection, */
#define LIMIT_DECRYPT_AT_ONCE 256 /* up to */
#define LIMIT_DECRYPT_AHEAD   64  /* and so many more with each record that was opened */

/* HTTP/2, of one connection */
#define LIMIT_H2_STREAMS   2048	      /* streams that are open at once; the oldest gives way */
#define LIMIT_H2_HELD	   (64 << 20) /* bytes kept of their messages */
#define LIMIT_H2_TABLE	   (64 << 10) /* HPACK's table of one direction */
#define LIMIT_H2_CREDIT	   (1 << 20)  /* bytes of header fields in a burst, and then: */
#define LIMIT_H2_EXPANSION 128	      /* for each byte on the stream */
#define LIMIT_H2_SEEK	   (1 << 20)  /* bytes looked through for a frame after a loss */
#define LIMIT_H2_AHEAD	   65536      /* numbers of streams beyond the last that may begin unseen */
#define LIMIT_H2_BROKEN	   64	      /* broken frames, then it is opaque */
#define LIMIT_H2_GOAWAYS   16	      /* that each look at all streams: more change nothing */
#define LIMIT_H2_TICK_MS   50	      /* between two looks at what is to be told */

/* TLS handshakes, of one connection */
#define LIMIT_TLS_MESSAGE     (72 << 10) /* of one that is read: a ClientHello has up to 64 KiB */
#define LIMIT_TLS_HANDSHAKE   (1 << 20)	 /* of all messages in clear: more is no handshake */
#define LIMIT_TLS_LIST	      256	 /* values of one list that are kept */
#define LIMIT_TLS_CERTIFICATE (16 << 10) /* of one that is read */
#define LIMIT_TLS_NAMES	      32	 /* names of one list: ALPN, of a certificate */
#define LIMIT_TLS_NAME	      256	 /* bytes of one */
#define LIMIT_TLS_EXPIRING    30	 /* days that a certificate is valid: soon expiring */
#define LIMIT_QUIC_CRYPTO     (16 << 10) /* of QUIC's CRYPTO stream, each way */
#define LIMIT_QUIC_PACKETS    16	 /* Initial packets that are tried, each way */

/* exchanges that are told while they go on */
#define LIMIT_LIVE_MS		   500	      /* one that ends sooner is told once, at its end */
#define LIMIT_LIVE_INTERVAL_MS	   1000	      /* between two versions of one, at least */
#define LIMIT_LIVE_INTERVAL_MAX_MS 10000      /* and at most, once it is old: */
#define LIMIT_LIVE_INTERVAL_PART   30	      /* this part of its age */
#define LIMIT_LIVE_RATE		   (16 << 10) /* bytes of versions of one in a second */
#define LIMIT_LIVE_AT_ONCE	   2048	      /* at once, of all connections */
#define LIMIT_LIVE_BODY		   (64 << 10) /* of a body that grows, what versions bring */

/* messages of a long exchange */
#define LIMIT_ITEMS	    256		/* of one exchange that are kept, the newest */
#define LIMIT_ITEMS_BYTES   (128 << 10) /* of their names and contents */
#define LIMIT_ITEMS_DECODED (1 << 20)	/* of their contents, decoded: each has its share */
#define LIMIT_ITEM_BYTES    (16 << 10)	/* of the content of one */
#define LIMIT_ITEM_NAME	    256		/* of its name */
#define LIMIT_ITEM_GAPS	    8		/* gaps of one: what comes behind more is not kept */

/* WebSocket */
#define LIMIT_WS_FRAME		(16 << 20) /* length that is believed where a frame is looked for */
#define LIMIT_INFLATERS		2048	   /* sides that inflate, of all connections */
#define LIMIT_INFLATE_FREE	(256 << 10) /* what the messages of a side or body may grow to */
#define LIMIT_INFLATE_EXPANSION 64	    /* and for each byte of them beyond */

/* reading bodies */
#define LIMIT_BODY_DECODED   (32 << 20)	 /* what a compressed body may grow to */
#define LIMIT_MASK_EXPANSION 4		 /* times its size a body may grow to be looked through */
#define LIMIT_MASK_DECODED   (5 << 18)	 /* or to this: what grows more is not kept */
#define LIMIT_MASK_WORK	     12		 /* steps that a byte of it may cost then (redact/mask.h) */
#define LIMIT_MASK_WORK_FREE (12 << 20)	 /* or all: some 2 ms; what costs more is not kept */
#define LIMIT_REDACT_RULES   256	 /* rules beside the built-in ones */
#define LIMIT_CODINGS	     4		 /* content codings applied to one body */
#define LIMIT_BODY_DEPTH     64		 /* nesting of a body that is shown as a tree */
#define LIMIT_BODY_NODES     50000	 /* values of it that are shown */
#define LIMIT_BODY_LEAF	     (64 << 10)	 /* bytes of one of them */
#define LIMIT_BODY_TREE	     (8 << 20)	 /* bytes of the tree as JSON, about */
#define LIMIT_BODY_PREVIEW   1024	 /* of a form's part that is shown */
#define LIMIT_BODY_PARTS     1000	 /* parts of one form */
#define LIMIT_BODY_SECRETS   (1 << 20)	 /* places in one binary body that are masked */
#define LIMIT_PROTO_BYTES    (16 << 20)	 /* a file of --proto-set */
#define LIMIT_PROTO_ROWS     (1 << 18)	 /* messages, fields and values of all of them */
#define LIMIT_PROTO_NAME     512	 /* a full name */
#define LIMIT_SCHEMA_SERVERS 32		 /* whose own schemas are known at once */
#define LIMIT_SCHEMA_FILES   64		 /* of one, */
#define LIMIT_SCHEMA_BYTES   (128 << 10) /* bytes of them, */
#define LIMIT_SCHEMA_SET     (512 << 10) /* of the names in them, and of what these name, */
#define LIMIT_SCHEMA_CHANGES 64		 /* and how often it may say something else */
#define LIMIT_GRAPHQL	     (256 << 10) /* of a request, where its operation is looked for */
#define LIMIT_GRAPHQL_NAME   128	 /* type and name of an operation */
#define LIMIT_BODY_INLINE    (64 << 10)	 /* text body inside the JSON of an entry */

/* store */
#define LIMIT_QUEUE_BYTES    (64 << 20) /* entries between the capture and the store thread */
#define LIMIT_QUEUE_BODIES   (8 << 10)	/* bodies that an entry keeps however slow the store is */
#define LIMIT_DRAIN_MS	     1000	/* at the end, for storing what waits */
#define LIMIT_BATCH	     1000	/* entries in one transaction */
#define LIMIT_BATCH_BYTES    (16 << 20) /* of them, but for the last one */
#define LIMIT_LIVE_EXCHANGES 65536 /* that go on and whose rows are written again; oldest goes */

/* queries */
#define LIMIT_QUERY_BYTES     8192	/* a KFL query */
#define LIMIT_QUERY_DEPTH     64	/* nesting */
#define LIMIT_QUERY_LIST      1000	/* elements of a list or arguments */
#define LIMIT_QUERY_MS	      1000	/* one page of one query, then a partial answer */
#define LIMIT_REGEX_STEPS     100000	/* backtracking steps for one entry */
#define LIMIT_REGEX_MS	      500	/* processor time for one entry, whatever the steps */
#define LIMIT_FILTER_BODY     (4 << 20) /* of a decoded body, what a filter looks at */
#define LIMIT_JSON_TREE_DEPTH 2000 /* of what is changed before it is shown, as jansson has it */
#define LIMIT_JSON_DEPTH      100  /* nesting of JSON that a filter looks into */
#define LIMIT_JSON_BYTES      (32 << 20) /* that one path into JSON may pass in one entry */
#define LIMIT_MASK_BODY	      (1 << 20)	 /* of JSON that redact() hides a part of */
#define LIMIT_MASK_VALUES     1000000	 /* that it passes; beyond, the whole is hidden */
#define LIMIT_FILTER_ELEMENTS 10000	 /* of an array, what a filter compares */
#define LIMIT_XML_ELEMENTS    50000	 /* of XML that a filter looks into */
#define LIMIT_PAGE	      1000	 /* entries in one answer */

#define LIMIT_BUCKETS		500   /* of a histogram */
#define LIMIT_WINDOW		20000 /* newest entries that connections and map look at */
#define LIMIT_WINDOW_MS		500   /* and for how long */
#define LIMIT_FACET		50    /* values of one kind, the most frequent, are told */
#define LIMIT_ENDPOINTS		500   /* of these, the most called, are told */
#define LIMIT_ENDPOINT_BRANCHES 40    /* texts behind one beginning of paths; more are one */
#define LIMIT_ENDPOINT_SEGMENTS 16    /* looked at so */

/* readers */
#define LIMIT_HTTP_CONNS	512	    /* connections to one listener that may ask */
#define LIMIT_HTTP_STRANGERS	256	    /* those that have not shown yet that they may */
#define LIMIT_SOURCE_STRANGERS	64	    /* of one address */
#define LIMIT_SERVER_FILES	4096	    /* open ones of the server process */
#define LIMIT_LOGINS		64	    /* browsers with a cookie; the longest unused goes */
#define LIMIT_LOGIN_SECONDS	86400	    /* a cookie without use */
#define LIMIT_STREAM_BACKLOG	2048	    /* entries a slow stream reader may fall behind */
#define LIMIT_STREAM_BYTES	(8 << 20)   /* the same in bytes */
#define LIMIT_STREAM_REPLAY	10000	    /* entries looked at for a reader that comes back */
#define LIMIT_STREAMS		400	    /* stream readers; the other connections stay free */
#define LIMIT_STREAM_QUERIES	100	    /* distinct filters of stream readers */
#define LIMIT_STREAM_UPDATES	16384	    /* changes of entries that are remembered */
#define LIMIT_STREAM_LAG	8000	    /* entries the filters may fall behind the store */
#define LIMIT_STREAM_RANGE_MS	1000	    /* all filters on one batch of a live stream */
#define LIMIT_STREAM_MS		50	    /* one of them, when that is used up */
#define LIMIT_REQUEST_BODY	(64 << 10)  /* body of a POST */
#define LIMIT_REQUEST_MEMORY	(256 << 10) /* request line and header fields */
#define LIMIT_URI_BYTES		(128 << 10) /* the request target */
#define LIMIT_FIELD_BYTES	(32 << 10)  /* header fields of a request, names and values */
#define LIMIT_HEAD_SECONDS	5	    /* from the connection to the end of the first head */
#define LIMIT_REQUEST_SECONDS	20	    /* from there to the last byte of the body */
#define LIMIT_HTTP_IDLE_SECONDS 60	  /* connection without a request, or that takes no bytes */
#define LIMIT_STREAM_SECONDS	600	  /* stream reader that takes no bytes */
#define LIMIT_PARAMS		16	  /* parameters of a request */
#define LIMIT_PATH_ID		72	  /* bytes of {id} in a path */
#define LIMIT_ANSWER_HEADERS	8	  /* fields that one route adds */
#define LIMIT_PEM_BYTES		(1 << 20) /* certificate or key file */
#define LIMIT_EXPORTS		8	  /* exports that run at once */
#define LIMIT_EXPORT_EXCHANGES	65536	  /* exchanges of one end that an export remembers */
#define LIMIT_EXPORT_CONNS	65536	  /* connections that one pcapng export remembers */
#define LIMIT_EXPORT_NAMES	300000	  /* connections whose packets one export tells apart */
#define LIMIT_API_JOBS		128	  /* requests that wait for a worker */
#define LIMIT_API_WORKERS	3	  /* queries that run at once */

/* analysing binaries */
#define LIMIT_GLANCE_BYTES	   (1 << 20)	  /* looked through before an analysis is made */
#define LIMIT_INSPECT_SECONDS	   10		  /* processor time of one analysis */
#define LIMIT_INSPECT_WALL_SECONDS 60		  /* its time by the clock, on a busy machine */
#define LIMIT_INSPECT_CHILDREN	   32		  /* processes for analyses */
#define LIMIT_INSPECT_AT_ONCE	   8		  /* of them that have their turn, */
#define LIMIT_INSPECT_MACHINE	   6		  /* those for files of the machine itself, */
#define LIMIT_INSPECT_OWNER	   2		  /* and for those of any other owner */
#define LIMIT_INSPECT_ASIDE	   16		  /* others, that read debug information */
#define LIMIT_INSPECT_QUEUE	   512		  /* files that wait for one */
#define LIMIT_INSPECT_BIRTH_MS	   2000		  /* waiting for one that is made */
#define LIMIT_INSPECT_MOTHER	   256		  /* of one mother, then there is another one */
#define LIMIT_INSPECT_TURN_MS	   1000		  /* processor time of one while others wait */
#define LIMIT_INSPECT_SETTLE_MS	   5000		  /* wait at the start for what is there already */
#define LIMIT_READY_MS		   800		  /* then a user is told what is in */
#define LIMIT_INSPECT_NICE	   10		  /* priority of one that takes long */
#define LIMIT_INSPECT_DYING_MS	   2000		  /* from the end of its answer to its death */
#define LIMIT_INSPECT_MEMORY	   (1ULL << 30)	  /* its address space beyond the file */
#define LIMIT_INSPECT_FILE	   (4ULL << 30)	  /* size of a file that is looked at */
#define LIMIT_ELF_SEGMENTS	   128		  /* program headers */
#define LIMIT_ELF_SECTIONS	   65536	  /* section headers */
#define LIMIT_ELF_SYMBOLS	   (8 << 20)	  /* symbols of one table */
#define LIMIT_ELF_RELOCS	   (16 << 20)	  /* relocations */
#define LIMIT_ELF_DATA		   (512ULL << 20) /* writable data of a file that is relocated */
#define LIMIT_PLAN_INSNS	   512	/* instructions of a function whose calls are followed */
#define LIMIT_PLAN_NAMES	   64	/* names of callees looked up among the symbols */
#define LIMIT_PLAN_STEPS	   8192 /* times that one of them is looked at */
#define LIMIT_GOPCLN_TRIES	   16	/* places that look like a Go function table */
#define LIMIT_GO_FUNCTIONS	   (4 << 20)	  /* functions of a Go program */
#define LIMIT_GO_ITABS		   (1 << 20)	  /* its interface tables */
#define LIMIT_GO_FUNCTION	   (1 << 20)	  /* bytes of a Go function searched for returns */
#define LIMIT_GO_WALKED		   (64 << 10)	  /* and of one that is followed path by path */
#define LIMIT_DWARF_SECONDS	   4		  /* processor time for debug information */
#define LIMIT_DWARF_SECTION	   (128ULL << 20) /* of it, what one section is decoded to */
#define LIMIT_STRUCT_BYTES	   (1 << 20)	  /* offset of a member that is believed */
#define LIMIT_AGAIN		   8	 /* times that the probes of a file are put in again, */
#define LIMIT_AGAIN_MS		   10000 /* and how long after the last time */
#define LIMIT_PROCESS_TARGETS	   16	 /* files with probes of one process, for that */
#define LIMIT_PROBE_POINTS	   1024	 /* probe points in one binary */
#define LIMIT_FILES_SEEN	   65536 /* files remembered as looked at, a power of two */
#define LIMIT_FILE_PROCESSES	   64	 /* that are noted while their file is analysed */
#define LIMIT_TOLD_PROCESSES	   16384 /* processes told to the server at once */
#define LIMIT_MOUNT_NAMESPACES	   1024	 /* containers whose libraries were looked for */

/* files and folders of others; the tracer's loop */
#define LIMIT_PATH_DEPTH       64	   /* folders of a path, where openat2() is missing */
#define LIMIT_PATH_LINKS       40	   /* symbolic links of one */
#define LIMIT_LOOK_QUEUE       1024	   /* files that wait to be opened */
#define LIMIT_LOOK_MS	       1000	   /* opening and glancing at one, then it hangs */
#define LIMIT_LOOKERS_HANGING  8	   /* threads that may hang with their file systems */
#define LIMIT_SCANS	       2	   /* disks scanned at once */
#define LIMIT_SCAN_QUEUE       64	   /* containers that wait for it */
#define LIMIT_SCAN_MS	       2000	   /* one scan by the clock */
#define LIMIT_SCAN_CPU_SECONDS 1	   /* and of processor time */
#define LIMIT_SCAN_MEMORY      (256 << 20) /* its address space */
#define LIMIT_SCAN_ENTRIES     20000	   /* names that it looks at */
#define LIMIT_SCAN_FILES       256	   /* files that it hands out */
#define LIMIT_SCAN_PATH	       1024	   /* length of their paths */
#define LIMIT_CHANGES_BURST    4    /* analyses of one file that changes, then one a second */
#define LIMIT_SEEN_MS	       20   /* so long a file is believed to be what it was */
#define LIMIT_WAKES	       24   /* by programs that start, in */
#define LIMIT_WAKES_MS	       100  /* so long; then naps of */
#define LIMIT_NAP_MS	       4    /* bring all that have started meanwhile together */
#define LIMIT_PRECEDENCE_MS    100  /* of each second, what goes before all else, */
#define LIMIT_WALK_MS	       20   /* and of that for a look at all processes */
#define LIMIT_TURN_MS	       20   /* one turn of the tracer's loop; longer ones are told */
#define LIMIT_TURN_PART_MS     5    /* each part of it that has much to do */
#define LIMIT_OUTBOX_BATCH     256  /* messages to the server in one turn */
#define LIMIT_CLOSERS	       256  /* threads that wait while the kernel takes probes out, */
#define LIMIT_CLOSING_MS       1000 /* and at the end no longer than this */

#endif
