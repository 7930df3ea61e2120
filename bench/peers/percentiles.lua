-- Prints the percentiles of wrk in µs, a line each: its own summary ends at p99.
done = function(summary, latency, requests)
  for _, share in ipairs({50, 95, 99, 99.9}) do
    io.write(string.format("percentile %g %d\n", share, latency:percentile(share)))
  end
end
