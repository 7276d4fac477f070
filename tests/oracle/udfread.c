/* Lists a UDF image through libudfread: the volume, then path, size and FNV-1a hash of each file. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <udfread/udfread.h>

static void fail(const char *what) {
    printf("failed: %s\n", what);
    exit(1);
}

static void file(udfread *udf, const char *path) {
    static unsigned char buffer[1 << 16];
    UDFFILE *opened = udfread_file_open(udf, path);
    uint64_t hash = 14695981039346656037u, size = 0;
    ssize_t count;
    if (!opened) fail(path);
    while ((count = udfread_file_read(opened, buffer, sizeof buffer)) > 0) {
        for (ssize_t i = 0; i < count; i++) hash = (hash ^ buffer[i]) * 1099511628211u;
        size += (uint64_t)count;
    }
    if (count < 0) fail(path);
    printf("%s %" PRIu64 " %016" PRIx64 "\n", path + 1, size, hash);
    udfread_file_close(opened);
}

static void folder(udfread *udf, const char *path) {
    struct udfread_dirent entry;
    UDFDIR *opened = udfread_opendir(udf, path);
    if (!opened) fail(path);
    while (udfread_readdir(opened, &entry)) {
        char below[4096];
        if (!strcmp(entry.d_name, ".") || !strcmp(entry.d_name, "..")) continue;
        snprintf(below, sizeof below, "%s/%s", strcmp(path, "/") ? path : "", entry.d_name);
        if (entry.d_type == UDF_DT_DIR) folder(udf, below);
        else file(udf, below);
    }
    udfread_closedir(opened);
}

int main(int count, char **arguments) {
    udfread *udf = udfread_init();
    if (count != 2 || !udf || udfread_open(udf, arguments[1]) < 0) fail("open");
    printf("volume %s\n", udfread_get_volume_id(udf));
    folder(udf, "/");
    udfread_close(udf);
    return 0;
}
