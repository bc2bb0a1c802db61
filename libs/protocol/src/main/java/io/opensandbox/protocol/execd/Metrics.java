package io.opensandbox.protocol.execd;

import io.avaje.jsonb.Json;

/// What the sandbox uses at one moment. The first five members are the published ones; the others
/// are additions that older clients ignore.
///
/// @param cpuCount whole processors that the sandbox may use, at least 1
/// @param cpuUsedPct share of what it may use, 0 to 100
/// @param memTotalMib its memory limit, or the machine's memory
/// @param memUsedMib without file cache that can be given back
/// @param timestamp Unix milliseconds
/// @param diskTotalMib of the file system at `/`
/// @param diskUsedMib of the file system at `/`
/// @param pidsUsed processes and threads; 0 when the kernel does not tell
/// @param pidsLimit 0 for none
@Json(naming = Json.Naming.LowerUnderscore)
public record Metrics(
    double cpuCount,
    double cpuUsedPct,
    double memTotalMib,
    double memUsedMib,
    long timestamp,
    double diskTotalMib,
    double diskUsedMib,
    long pidsUsed,
    long pidsLimit) {}
