-- What is known of the cluster of database servers, where there is one: a single row.
CREATE TABLE party_cluster (
    id          INTEGER PRIMARY KEY,
    -- Which cluster it is, and how often its servers have come and gone: that begins anew when it is
    -- bootstrapped, perhaps from a server that lacks the last commits.
    state_uuid  CHAR(36) /*! CHARACTER SET ascii COLLATE ascii_bin */ NOT NULL,
    changes     BIGINT NOT NULL,
    -- Since then, in milliseconds, it has not been bootstrapped: the incarnation of `party_rooms`.
    incarnation BIGINT NOT NULL
) /*! ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC */;
