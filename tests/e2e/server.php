<?php
// PHP's ssl:// streams as an HTTP server: server.php ADDRESS PORT DIRECTORY; as tests/e2e/server.py.
[, $address, $port, $directory] = $argv;
$host = str_contains($address, ":") ? "[$address]" : $address;
$context = stream_context_create(["ssl" => [
	"local_cert" => "$directory/cert.pem", "local_pk" => "$directory/key.pem",
]]);
$server = stream_socket_server("ssl://$host:$port", $errno, $error,
	STREAM_SERVER_BIND | STREAM_SERVER_LISTEN, $context);
while (true) {
	$tls = @stream_socket_accept($server, -1, $peer);
	if (!$tls)
		continue;
	for ($length = 0; ($line = fgets($tls)) !== false && $line !== "\r\n";)
		if (stripos($line, "content-length:") === 0)
			$length = (int)substr($line, 15);
	for ($body = ""; strlen($body) < $length && !feof($tls);)
		$body .= fread($tls, $length - strlen($body));
	if (!$length)
		$body = preg_replace('/^\[?(.*?)\]?:(\d+)$/', '$1 $2', $peer) . "\n";
	fwrite($tls, "HTTP/1.1 200 OK\r\nContent-Length: " . strlen($body) .
		"\r\nConnection: close\r\n\r\n");
	fwrite($tls, $body);
	fclose($tls);
}
