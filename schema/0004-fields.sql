-- The columns of entry_N come from the table of fields (src/entry.def) from here on: what an older
-- segment lacks is added to it when the store is opened (src/store/schema.c). Nothing ever used:

DROP TABLE meta;
