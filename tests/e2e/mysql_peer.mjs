// A client of MySQL in Node.js: mysql_peer.mjs NODE_MODULES PORT PASSWORD
import { createRequire } from "node:module";

const [modules, port, password] = process.argv.slice(2);
const mysql = createRequire(`${modules}/`)("mysql2/promise");
const connection = await mysql.createConnection({
	host: "127.0.0.1", port: Number(port), user: "app", password, database: "shop",
	ssl: { rejectUnauthorized: false },
});

for (let i = 0; i < 20; i++) {
	const [rows] = await connection.execute("SELECT concat('mysql2-id', ?) AS id", [`${i}`]);
	if (rows[0].id !== `mysql2-id${i}`)
		throw new Error("an answer of another");
}
await connection.execute("UPDATE t SET password = ? WHERE id = ?", [password, 1]);
await connection.ping();
await connection.end();
