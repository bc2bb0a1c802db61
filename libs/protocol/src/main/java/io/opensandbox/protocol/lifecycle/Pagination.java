package io.opensandbox.protocol.lifecycle;

import io.avaje.jsonb.Json;

/// Where a page stands in its list.
///
/// @param page from 1
/// @param pageSize 1 to 200
/// @param totalItems that match the filters
/// @param totalPages rounded up; 0 for an empty list
/// @param hasNextPage whether `page` is before the last one
@Json
public record Pagination(
    int page, int pageSize, int totalItems, int totalPages, boolean hasNextPage) {
  /// The page `page` of a list with `totalItems` items.
  public static Pagination of(int page, int pageSize, int totalItems) {
    int totalPages = Math.ceilDiv(totalItems, pageSize);
    return new Pagination(page, pageSize, totalItems, totalPages, page < totalPages);
  }
}
