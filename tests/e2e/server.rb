# Ruby's OpenSSL as an HTTP server: server.rb ADDRESS PORT DIRECTORY; as tests/e2e/server.py.
require "socket"
require "openssl"

context = OpenSSL::SSL::SSLContext.new
context.cert = OpenSSL::X509::Certificate.new(File.read(ARGV[2] + "/cert.pem"))
context.key = OpenSSL::PKey.read(File.read(ARGV[2] + "/key.pem"))
server = TCPServer.new(ARGV[0], ARGV[1].to_i)
loop do
  plain = server.accept
  begin
    tls = OpenSSL::SSL::SSLSocket.new(plain, context)
    tls.sync_close = true
    tls.accept
    length = 0
    while (line = tls.gets) && line != "\r\n"
      length = line.split(":")[1].to_i if line =~ /\Acontent-length:/i
    end
    body = length > 0 ? tls.read(length) : "%s %d\n" % [plain.peeraddr[3], plain.peeraddr[1]]
    tls.write("HTTP/1.1 200 OK\r\nContent-Length: #{body.bytesize}\r\nConnection: close\r\n\r\n")
    tls.write(body)
    tls.close
  rescue StandardError => e
    warn e
  end
end
